// Where a halting loop worked: tokens to the right, steps upward.
#pragma once

#include "attnc/Package/Manifest.h"

namespace attnc {

struct StepsPictureOptions {
  std::string title;
  std::optional<double> seconds, otherSeconds; // of a run; of the same by another package (one that computes all rows)
};

/// A picture (SVG) of the output `steps` of a run: [rows], or [sequences, rows] of integers. An integer tensor of the same shape among
/// `inputs` names the rows: bytes as text.
Expected<std::string> stepsPicture(std::span<const NamedTensor> inputs, std::span<const NamedTensor> outputs, const StepsPictureOptions &options);

} // namespace attnc
