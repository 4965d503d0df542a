// Stands for compiled code: small functions that keep the promises of KernelAbi.h and tell what the
// runtime gave them. FakeModel.h describes them. Built without a library, once for each level.
#include "attnc-c/KernelAbi.h"
#include "fake_signature.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT const char attnc_signature[33] = FAKE_SIGNATURE;

// main: y = 2 x + w; where = addresses of x, y, w; level = which object this is.
EXPORT int64_t fake_main_size(int64_t *dims) { return 0; }
EXPORT int32_t fake_main(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  const float *x = buffers[0], *w = buffers[4];
  float *y = buffers[1];
  int64_t *where = buffers[2];
  for (int64_t b = 0; b < dims[0]; ++b)
    for (int64_t c = 0; c < 4; ++c)
      y[b * 4 + c] = 2 * x[b * 4 + c] + w[c];
  for (int i = 0; i < 2; ++i)
    where[i] = (int64_t)buffers[i];
  where[2] = (int64_t)buffers[4];
  *(int32_t *)buffers[3] = FAKE_LEVEL;
  return 0;
}

// append: two rows into a ring of C rows whose first is pinned. dims: B, C.
EXPORT int64_t fake_append_size(int64_t *dims) { return dims[1] > 1 ? 0 : -1; }
EXPORT int32_t fake_append(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  const float *rows = buffers[0];
  int32_t *count = buffers[2];
  float *ring = buffers[3];
  int64_t capacity = dims[1];
  for (int64_t i = 0; i < 2; ++i) {
    int64_t n = *count * 2 + i;
    int64_t slot = n < 1 ? n : 1 + (n - 1) % (capacity - 1);
    for (int64_t b = 0; b < dims[0]; ++b)
      for (int64_t c = 0; c < 3; ++c)
        ring[(b * capacity + slot) * 3 + c] = rows[(b * 2 + i) * 3 + c];
  }
  *(int32_t *)buffers[1] = ++*count;
  return 0;
}

// remember: memory += x; total += 1; sum = memory.
EXPORT int64_t fake_remember_size(int64_t *dims) { return 0; }
EXPORT int32_t fake_remember(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  const float *x = buffers[0];
  float *sum = buffers[1], *memory = buffers[2];
  for (int64_t i = 0; i < dims[0] * 2; ++i)
    sum[i] = memory[i] += x[i];
  *(double *)buffers[3] += 1;
  return 0;
}

// begin: the initial memory, rows of weight b.
EXPORT int64_t fake_begin_size(int64_t *dims) { return 0; }
EXPORT int32_t fake_begin(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  float *memory = buffers[0];
  const float *b = buffers[1];
  for (int64_t i = 0; i < dims[0] * 2; ++i)
    memory[i] = b[i % 2];
  return 0;
}

// twice: prepares b, by way of the arena.
EXPORT int64_t fake_twice_size(int64_t *dims) { return 8; }
EXPORT int32_t fake_twice(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  volatile float *scratch = arena;
  for (int i = 0; i < 2; ++i)
    scratch[i] = ((const float *)buffers[0])[i] * 2;
  for (int i = 0; i < 2; ++i)
    ((float *)buffers[1])[i] = scratch[i];
  return control->stop;
}

// loop: n iterations; total counts them.
EXPORT int64_t fake_loop_size(int64_t *dims) { return 0; }
EXPORT int32_t fake_loop(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  int64_t n = *(const int64_t *)buffers[0], done = 0;
  for (; done < n; ++done) {
    if (control->cancel && *control->cancel)
      return control->stop = ATTNC_STOP_CANCELLED;
    if (control->steps_left-- <= 0)
      return control->stop = ATTNC_STOP_STEP_LIMIT;
    *(volatile double *)buffers[2] += 1;
  }
  *(int64_t *)buffers[1] = done;
  return 0;
}

// pairs: z has M = 2 N elements, x then y, by way of the arena; 13 is not a valid size.
EXPORT int64_t fake_pairs_size(int64_t *dims) {
  if (dims[0] == 13)
    return -1;
  dims[1] = 2 * dims[0];
  return dims[1] * 4;
}
EXPORT int32_t fake_pairs(void *const *buffers, const int64_t *dims, void *arena, attnc_control *control) {
  const float *x = buffers[0], *y = buffers[1];
  volatile float *scratch = arena;
  float *z = buffers[2];
  for (int64_t i = 0; i < dims[1]; ++i)
    scratch[i] = i < dims[0] ? x[i] : y[i - dims[0]];
  for (int64_t i = 0; i < dims[1]; ++i)
    z[i] = scratch[i];
  return 0;
}
