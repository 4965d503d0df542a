// Planted faults: what a wrong compiler would do. The reference runs the program as it is, the pipeline runs it with the
// fault; random programs that are worth anything find the difference.
#pragma once

#include "mlir/IR/Operation.h"

#include <vector>

namespace attnc::fuzz {

struct Plant {
  const char *name;
  const char *feature; ///< what a program has to have to show it
  bool lowered;        ///< put into kernels behind attnc-lower-attn; else into the module, in front of the pipeline
  bool (*apply)(mlir::Operation *root); ///< false: there is no place for it
};

const std::vector<Plant> &plants();

} // namespace attnc::fuzz
