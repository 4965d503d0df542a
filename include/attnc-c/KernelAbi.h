/* What the runtime calls in a package's shared objects. Generated code and runtime share this file.
 *
 * A shared object is one ELF file for one CPU level: position independent, no undefined symbol, no
 * needed library, no constructor, no thread-local storage. It exports:
 *
 *   const char attnc_signature[33];   32 hexadecimal digits and a zero: signatureOf(manifest)
 *                                     (attnc/Package/Manifest.h); the loader compares it
 *   attnc_entry_fn  SYMBOL;           for each function of the manifest
 *   attnc_size_fn   SIZE_SYMBOL;
 *
 * Element types are those of the manifest; i1 is one byte, 0 or 1. A rank-0 tensor is one element. */
#ifndef ATTNC_C_KERNELABI_H
#define ATTNC_C_KERNELABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTNC_SIGNATURE_SYMBOL "attnc_signature"

/* Why a function returned. */
enum {
  ATTNC_STOP_NONE = 0,
  ATTNC_STOP_CANCELLED = 1,
  ATTNC_STOP_STEP_LIMIT = 2
};

/* A part of a kernel's loop: chunk number `chunk` of what `context` describes. */
typedef void (*attnc_chunk_fn)(void *context, int64_t chunk);

/* What the launches of one kernel took. */
typedef struct attnc_kernel_time {
  int64_t calls;
  int64_t ticks; /* of the CPU's time stamp counter */
} attnc_kernel_time;

/* One call's controls. Fields may be added at the end; `size` tells which are there. */
typedef struct attnc_control {
  int32_t size;                   /* sizeof(attnc_control) of the caller */
  int32_t stop;                   /* set by the callee: ATTNC_STOP_… */
  const volatile int32_t *cancel; /* may be null; non-zero: stop at the next loop iteration */
  int64_t steps_left;             /* loop iterations still allowed; each takes one, at 0 the loop stops */
  attnc_kernel_time *kernel_times; /* may be null; one for each of the function's "kernels", added to */
  /* Runs chunks 0 .. chunks-1, each once, in any order and on any thread; returns when all are done. May be null: the
   * callee runs them itself. What a chunk is depends on sizes only, never on threads. */
  void (*parallel)(void *pool, attnc_chunk_fn chunk, void *context, int64_t chunks);
  void *pool;
} attnc_control;

/* Runs a function. `buffers`: inputs, outputs, states, weights, each in the manifest's order, each
 * contiguous, row-major, 64-byte aligned and never null. A state is one buffer, read and written in
 * place; inputs and weights are not written. Outputs hold anything on entry; buffers do not overlap.
 * `dims`: the function's sizes in the order of its "dims", all known. `arena`: as many bytes as the
 * size function said, 64-byte aligned, contents undefined.
 * Returns control->stop: 0 when done; otherwise outputs and written states are not valid. */
typedef int32_t (*attnc_entry_fn)(void *const *buffers, const int64_t *dims, void *arena,
                                  attnc_control *control);

/* `dims` as above; -1 for sizes that no input, state or capacity has: filled in here, the others are
 * left alone. Returns the bytes of arena, or a negative number: these sizes are not valid. */
typedef int64_t (*attnc_size_fn)(int64_t *dims);

#ifdef __cplusplus
}
#endif
#endif
