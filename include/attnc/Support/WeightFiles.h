// A model's tensors where they lie: in one .safetensors file, or in the files that an index (.json) names:
//   {"weight_map": {NAME: FILE, …}}                                                 of shards, as Hugging Face writes it
//   {"tensors": {NAME: {"file": …, "offset": …, "dtype": "F32", "shape": […]}, …}}  of bytes in any file, as the front ends write it
// Files are named from the index's folder. All are mapped, and nothing is copied.
#pragma once

#include "attnc/Support/Tensor.h"
#include <map>

namespace attnc {

class WeightFiles {
public:
  static Expected<WeightFiles> open(const std::string &path);

  /// Null where there is none of that name.
  const Tensor *find(std::string_view name) const {
    auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  }

private:
  std::map<std::string, Tensor, std::less<>> tensors;
};

} // namespace attnc
