#include "attnc/Runtime/RunOptions.h"

int main(int argc, char **argv) { return attnc::runMain(argc, argv, "attnc-run"); }
