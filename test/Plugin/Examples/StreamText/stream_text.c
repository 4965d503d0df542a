/* stream-text PACKAGE TEXT [MORE]: reads TEXT byte by byte with the `decode` entry of looped_lm, goes on for MORE bytes
 * (default 200), each the likeliest, and shows every byte as soon as it is known, with its depth: how many times the
 * model looped over it, from ₁ to ₆. A session keeps the cache; nothing is allocated from the second byte on. */
#include "attnc-c/Runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  VOCABULARY = 256,
  CONTEXT = 256
};

/* One byte into the session; gives its depth, and the likeliest next byte. */
static attnc_status step(attnc_session *session, int byte, int *depth, int *next) {
  static _Alignas(64) int32_t token[1], steps[1];
  static _Alignas(64) float exit_at[1] = {0.7f}, logits[VOCABULARY];
  int64_t one = 1, row[] = {1, VOCABULARY};
  DLTensor token_tensor = {token, {kDLCPU, 0}, 1, {kDLInt, 32, 1}, &one, NULL, 0};
  DLTensor exit_tensor = {exit_at, {kDLCPU, 0}, 0, {kDLFloat, 32, 1}, NULL, NULL, 0};
  DLTensor steps_tensor = {steps, {kDLCPU, 0}, 1, {kDLInt, 32, 1}, &one, NULL, 0};
  DLTensor logits_tensor = {logits, {kDLCPU, 0}, 2, {kDLFloat, 32, 1}, row, NULL, 0};
  attnc_input inputs[] = {{"token", &token_tensor}, {"q", &exit_tensor}};
  attnc_output outputs[] = {{"steps", &steps_tensor, NULL}, {"logits", &logits_tensor, NULL}};

  token[0] = byte;
  attnc_status status = attnc_session_run(session, "decode", inputs, 2, outputs, 2, NULL);
  if (status != ATTNC_OK)
    return status;
  *depth = steps[0];
  *next = 0;
  for (int i = 1; i < VOCABULARY; ++i)
    if (logits[i] > logits[*next])
      *next = i;
  return ATTNC_OK;
}

/* A byte with its depth as a subscript; a line ends behind its last depth. */
static void show(int byte, int depth) {
  if (byte >= 32 && byte < 127)
    putchar(byte);
  else if (byte == '\n')
    fputs("\\n", stdout);
  else
    printf("\\x%02x", (unsigned)byte);
  printf("\xe2\x82%c", 0x80 + depth); /* U+2080 is the subscript 0 */
  if (byte == '\n')
    putchar('\n');
  fflush(stdout);
}

static int stream(attnc_session *session, const char *text, long more) {
  size_t length = strlen(text);
  long loops = 0, shown = 0;
  int next = 0, depth;
  for (size_t i = 0; i < length || more > 0; ++i) {
    int byte = i < length ? (unsigned char)text[i] : next;
    if (i >= length)
      --more;
    if (step(session, byte, &depth, &next) != ATTNC_OK) {
      fprintf(stderr, "\nstream-text: %s\n", attnc_session_message(session));
      return 1;
    }
    show(byte, depth);
    loops += depth;
    ++shown;
  }
  printf("\n%ld bytes, %ld loops: %.2f a byte, of 6\n", shown, loops, (double)loops / (double)shown);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3 || !*argv[2]) {
    fprintf(stderr, "stream-text PACKAGE TEXT [MORE]\n");
    return 2;
  }
  attnc_package *package;
  if (attnc_package_open(argv[1], NULL, &package) != ATTNC_OK) {
    fprintf(stderr, "stream-text: %s\n", attnc_last_message());
    return 1;
  }
  attnc_capacity context = {"C", CONTEXT}; /* behind it the oldest bytes are forgotten */
  attnc_session_options options = {.size = sizeof options, .capacities = &context, .capacity_count = 1};
  attnc_session *session;
  int failed = 1;
  if (attnc_session_create(package, &options, &session) != ATTNC_OK) {
    fprintf(stderr, "stream-text: %s\n", attnc_last_message());
  } else {
    failed = stream(session, argv[2], argc > 3 ? strtol(argv[3], NULL, 10) : 200);
    attnc_session_destroy(session);
  }
  attnc_package_close(package);
  return failed;
}
