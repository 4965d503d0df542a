/* The attnc runtime: opens packages and runs them. C, no exceptions, no global state.
 *
 * A package is immutable and may be used by several threads. A session belongs to one thread at a
 * time; a second call meanwhile returns ATTNC_ERROR_BUSY and leaves the first alone. Structs begin
 * with their size, which the caller sets: sizeof(the struct). Options may be null: defaults.
 *
 * Every failure has one sentence for the user. attnc_session_message(s) is that of the last call on
 * session s, until the next call on it; attnc_last_message() is that of this thread's last failed call
 * without a session (opening a package, making a session). */
#ifndef ATTNC_C_RUNTIME_H
#define ATTNC_C_RUNTIME_H

#include "attnc-c/DLPack.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTNC_API __attribute__((visibility("default")))

typedef struct attnc_package attnc_package;
typedef struct attnc_session attnc_session;

typedef enum attnc_status {
  ATTNC_OK = 0,
  ATTNC_ERROR_ARGUMENT = 1,    /* unknown name, wrong shape, dtype, size or option */
  ATTNC_ERROR_FILE = 2,        /* a file cannot be opened, read or written */
  ATTNC_ERROR_FORMAT = 3,      /* a file is damaged or not what it should be */
  ATTNC_ERROR_UNSUPPORTED = 4, /* a newer format, or a CPU that lacks what the code needs */
  ATTNC_ERROR_MEMORY = 5,
  ATTNC_ERROR_BUSY = 6,       /* the session is in use by another thread */
  ATTNC_ERROR_CANCELLED = 7,  /* the cancel flag was set */
  ATTNC_ERROR_STEP_LIMIT = 8, /* the step limit was reached */
  ATTNC_ERROR_INTERNAL = 9
} attnc_status;

ATTNC_API const char *attnc_version(void);
ATTNC_API const char *attnc_last_message(void);

/* -- packages ----------------------------------------------------------------------------------- */

typedef struct attnc_open_options {
  size_t size;
  const char *cpu_level; /* "avx2" or "avx512"; null: the best that this CPU has. In the environment,
                            ATTNC_MAX_CPU_LEVEL=avx2 makes a package open as on a CPU without the levels above. */
  const char *weights;   /* .safetensors file, for a package compiled with --weights=external; else null */
} attnc_open_options;

ATTNC_API attnc_status attnc_package_open(const char *path, const attnc_open_options *options,
                                          attnc_package **package);
/* Sessions keep what they need of a closed package. */
ATTNC_API void attnc_package_close(attnc_package *package);

/* The level in use, the name the model was compiled under, the signature of its functions and states. */
ATTNC_API const char *attnc_package_level(const attnc_package *package);
ATTNC_API const char *attnc_package_name(const attnc_package *package);
ATTNC_API const char *attnc_package_signature(const attnc_package *package);

/* A size of a shape: `value`, or -1 and a name. */
typedef struct attnc_dim {
  int64_t value;
  const char *name;
  int32_t is_capacity; /* of a state: given when a session is made */
} attnc_dim;

/* Pointers live as long as the package. */
typedef struct attnc_tensor_info {
  size_t size;
  const char *name;
  DLDataType dtype;
  int32_t rank;
  const attnc_dim *shape;
} attnc_tensor_info;

typedef enum attnc_list {
  ATTNC_INPUTS = 0,  /* of a function */
  ATTNC_OUTPUTS = 1, /* of a function */
  ATTNC_STATES = 2,  /* of the package; `function` is ignored */
  ATTNC_WEIGHTS = 3  /* of the package; `function` is ignored */
} attnc_list;

/* Functions that may be run, by number; null behind the last. */
ATTNC_API size_t attnc_package_function_count(const attnc_package *package);
ATTNC_API const char *attnc_package_function_name(const attnc_package *package, size_t function);
ATTNC_API size_t attnc_package_tensor_count(const attnc_package *package, attnc_list list, size_t function);
/* Fills *info, up to info->size; ATTNC_ERROR_ARGUMENT behind the last. */
ATTNC_API attnc_status attnc_package_tensor(const attnc_package *package, attnc_list list, size_t function,
                                            size_t index, attnc_tensor_info *info);

/* -- sessions ----------------------------------------------------------------------------------- */

typedef struct attnc_capacity {
  const char *name;
  int64_t value;
} attnc_capacity;

typedef struct attnc_session_options {
  size_t size;
  const attnc_capacity *capacities; /* of states whose size is a capacity */
  size_t capacity_count;
  int32_t threads; /* 0: ATTNC_THREADS if set, else one a physical core */
} attnc_session_options;

ATTNC_API attnc_status attnc_session_create(const attnc_package *package,
                                            const attnc_session_options *options, attnc_session **session);
ATTNC_API void attnc_session_destroy(attnc_session *session);
ATTNC_API const char *attnc_session_message(const attnc_session *session);

typedef struct attnc_input {
  const char *name;
  const DLTensor *tensor; /* on the CPU; used in place if contiguous and 64-byte aligned, else copied */
} attnc_input;

/* An output that is wanted. With `tensor` the result is written there (contiguous, of the declared
 * dtype and the right shape; it must not overlap an input). Without, `*result` becomes a new tensor,
 * which the caller deletes; null after a failure. */
typedef struct attnc_output {
  const char *name;
  const DLTensor *tensor;
  DLManagedTensor *result;
} attnc_output;

typedef struct attnc_run_options {
  size_t size;
  const volatile int32_t *cancel; /* another thread may set it; checked at each loop iteration */
  int64_t step_limit;             /* loop iterations in all; 0: no limit */
} attnc_run_options;

/* Runs a function. Inputs in any order, each once; outputs those that are wanted. A run that stops
 * (cancel, step limit) leaves states half written: the session then refuses to go on until it is
 * reset or restored. After the first call with the same sizes nothing but new results is allocated. */
ATTNC_API attnc_status attnc_session_run(attnc_session *session, const char *function,
                                         const attnc_input *inputs, size_t input_count,
                                         attnc_output *outputs, size_t output_count,
                                         const attnc_run_options *options);

/* Back to the beginning: initial states, and named sizes of states are free again. */
ATTNC_API attnc_status attnc_session_reset(attnc_session *session);
/* All states as .safetensors: {name: tensor}, rings oldest first and valid rows only. */
ATTNC_API attnc_status attnc_session_save(attnc_session *session, const char *path);
/* All states from such a file; nothing is changed if one does not fit. */
ATTNC_API attnc_status attnc_session_restore(attnc_session *session, const char *path);

#ifdef __cplusplus
}
#endif
#endif
