/* run-package PACKAGE NUMBER...: runs entry main on a vector `x` and prints the vector `y`. */
#include "attnc-c/Runtime.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "run-package PACKAGE NUMBER...\n");
    return 2;
  }
  attnc_package *package;
  if (attnc_package_open(argv[1], NULL, &package) != ATTNC_OK) {
    fprintf(stderr, "run-package: %s\n", attnc_last_message());
    return 1;
  }
  attnc_session *session;
  if (attnc_session_create(package, NULL, &session) != ATTNC_OK) {
    fprintf(stderr, "run-package: %s\n", attnc_last_message());
    attnc_package_close(package);
    return 1;
  }

  int64_t count = argc - 2, steps = 9;
  float *numbers = malloc((size_t)count * sizeof *numbers);
  for (int64_t i = 0; i < count; ++i)
    numbers[i] = strtof(argv[2 + i], NULL);
  DLTensor x = {numbers, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, &count, NULL, 0};
  DLTensor cap = {&steps, {kDLCPU, 0}, 0, {kDLInt, 64, 1}, NULL, NULL, 0};
  attnc_input inputs[] = {{"x", &x}, {"cap", &cap}};
  attnc_output y = {"y", NULL, NULL};
  int failed = attnc_session_run(session, "main", inputs, 2, &y, 1, NULL) != ATTNC_OK;
  if (failed)
    fprintf(stderr, "run-package: %s\n", attnc_session_message(session));
  for (int64_t i = 0; !failed && i < y.result->dl_tensor.shape[0]; ++i)
    printf("%g\n", ((const float *)y.result->dl_tensor.data)[i]);

  if (y.result)
    y.result->deleter(y.result);
  free(numbers);
  attnc_session_destroy(session);
  attnc_package_close(package);
  return failed;
}
