/* peak-memory COMMAND…: runs it and prints its largest resident size in bytes. (From Python a child's would count the memory of the
 * interpreter that it was forked from.) */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  pid_t child = fork();
  if (child == 0) {
    execvp(argv[1], argv + 1);
    _exit(127);
  }
  int status;
  struct rusage usage;
  if (child < 0 || wait4(child, &status, 0, &usage) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
    return 1;
  printf("%ld\n", usage.ru_maxrss * 1024);
  return 0;
}
