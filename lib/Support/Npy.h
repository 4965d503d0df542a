// What .npy and .npz writing share.
#pragma once
#include "attnc/Support/Tensor.h"

namespace attnc {
/// The tensor in a type that NumPy has (bf16 becomes f32).
Expected<Tensor> npyTensor(const Tensor &tensor);
/// Everything in front of the data.
std::string npyHeader(const Tensor &tensor);
} // namespace attnc
