#include "attnc/Runtime/BenchOptions.h"

int main(int argc, char **argv) { return attnc::benchMain(argc, argv, "attnc-bench"); }
