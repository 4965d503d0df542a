#include "Convert.h"

#include "Internal.h"

using namespace mlir;

namespace attnc::reference {

Expected<Value> toValue(const attnc::Tensor &tensor, Type type) {
  Type element = getElementTypeOrSelf(type);
  bool real = isa<FloatType>(element);
  ATTNC_TRY(attnc::Tensor wide, convertTensor(tensor, real ? DType::F64 : DType::I64));
  Tensor out{element, SmallVector<int64_t>(tensor.shape().begin(), tensor.shape().end()), {}};
  out.elements.resize(wide.elements());
  static_assert(sizeof(Scalar) == sizeof(double));
  if (wide.bytes()) // an empty vector's data may be null
    std::memcpy(out.elements.data(), wide.data(), wide.bytes());
  if (!real && !element.isInteger(1))
    for (Scalar &x : out.elements)
      x.i = wrap(x.i, widthOf(element));
  if (!isa<ShapedType>(type))
    return Value(element, out.elements[0]);
  return Value(std::move(out));
}

Expected<attnc::Tensor> toTensor(const Value &value, DType dtype) {
  Shape shape;
  if (value.isTensor())
    shape.assign(value.shape().begin(), value.shape().end());
  ATTNC_TRY(attnc::Tensor wide, attnc::Tensor::allocate(isFloat(dtype) ? DType::F64 : DType::I64, shape));
  if (wide.bytes())
    std::memcpy(wide.mutableData(), value.flat().data(), wide.bytes());
  if (dtype == DType::U8) // the interpreter keeps integers sign-extended
    for (uint64_t i = 0; i < wide.elements(); ++i)
      reinterpret_cast<int64_t *>(wide.mutableData())[i] &= 0xff;
  return convertTensor(wide, dtype);
}

} // namespace attnc::reference
