/* count-allocations PACKAGE ENTRY NAME=N…: calls an entry again and again with outputs of its own and says what the runtime
 * allocated in each call. The sizes of shapes are given by name; NAME=N of an integer input is what it is filled with (1 otherwise). */
#define _GNU_SOURCE
#include "attnc-c/Runtime.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* These take the place of libc's for every library of the process. */
static volatile long allocations;
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void *malloc(size_t n) { return __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED), __libc_malloc(n); }
void *calloc(size_t n, size_t m) { return __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED), __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { return __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED), __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { return __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED), __libc_memalign(a, n); }
void *memalign(size_t a, size_t n) { return aligned_alloc(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { return (*p = aligned_alloc(a, n)) ? 0 : ENOMEM; }
void *mmap(void *at, size_t n, int protection, int flags, int file, off_t offset) {
  __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
  return (void *)syscall(SYS_mmap, at, n, protection, flags, file, offset);
}

enum {
  MOST = 16,
  RANK = 8
};
static int given_count;
static char **given;

static long valueOf(const char *name, long otherwise) {
  size_t length = strlen(name);
  for (int i = 0; i < given_count; ++i)
    if (!strncmp(given[i], name, length) && given[i][length] == '=')
      return atol(given[i] + length + 1);
  return otherwise;
}

static void check(attnc_status status, const char *message) {
  if (status == ATTNC_OK)
    return;
  fprintf(stderr, "count-allocations: %s\n", message);
  exit(1);
}

/* The tensors of a function, aligned and filled. */
static size_t make(const attnc_package *package, attnc_list list, size_t function, DLTensor *tensors, const char **names, int64_t (*shapes)[RANK]) {
  size_t count = attnc_package_tensor_count(package, list, function);
  for (size_t t = 0; t < count; ++t) {
    attnc_tensor_info info = {.size = sizeof info};
    check(attnc_package_tensor(package, list, function, t, &info), attnc_last_message());
    int64_t elements = 1;
    for (int d = 0; d < info.rank; ++d)
      elements *= shapes[t][d] = info.shape[d].value >= 0 ? info.shape[d].value : valueOf(info.shape[d].name, 1);
    char *data = aligned_alloc(64, ((size_t)elements * info.dtype.bits / 8 + 127) / 64 * 64);
    long fill = valueOf(info.name, 1);
    for (int64_t i = 0; i < elements; ++i)
      if (info.dtype.code == kDLFloat)
        ((float *)data)[i] = 0.5f;
      else if (info.dtype.bits == 64)
        ((int64_t *)data)[i] = fill;
      else
        ((int32_t *)data)[i] = (int32_t)fill;
    names[t] = info.name;
    tensors[t] = (DLTensor){data, {kDLCPU, 0}, info.rank, info.dtype, shapes[t], NULL, 0};
  }
  return count;
}

int main(int argc, char **argv) {
  given_count = argc - 3, given = argv + 3;
  attnc_package *package;
  attnc_session *session;
  check(attnc_package_open(argv[1], NULL, &package), attnc_last_message());
  attnc_capacity capacity = {"C", valueOf("C", 0)};
  attnc_session_options options = {.size = sizeof options, .capacities = &capacity, .capacity_count = capacity.value > 0, .threads = 2};
  check(attnc_session_create(package, &options, &session), attnc_last_message());
  size_t function = 0;
  while (strcmp(attnc_package_function_name(package, function), argv[2]))
    ++function;

  static DLTensor in[MOST], out[MOST];
  static int64_t in_shapes[MOST][RANK], out_shapes[MOST][RANK];
  static attnc_input inputs[MOST];
  static attnc_output outputs[MOST];
  const char *in_names[MOST], *out_names[MOST];
  size_t n = make(package, ATTNC_INPUTS, function, in, in_names, in_shapes), m = make(package, ATTNC_OUTPUTS, function, out, out_names, out_shapes);
  for (size_t i = 0; i < n; ++i)
    inputs[i] = (attnc_input){in_names[i], &in[i]};
  for (size_t i = 0; i < m; ++i)
    outputs[i] = (attnc_output){out_names[i], &out[i], NULL};
  for (int call = 1; call <= 4; ++call) {
    long before = allocations;
    check(attnc_session_run(session, argv[2], inputs, n, outputs, m, NULL), attnc_session_message(session));
    long during = allocations - before;
    printf("call %d: %s\n", call, during ? "allocates" : "allocates nothing");
    if (call > 1 && during)
      return 1;
  }
  return 0;
}
