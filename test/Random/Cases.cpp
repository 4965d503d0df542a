// Random inputs, and comparing results.
#include "Engines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace attnc::fuzz {

using reference::Scalar;

/// A product of named sizes and of factors, "*16".
static int64_t product(const std::vector<std::string> &names, const std::map<std::string, int64_t> &sizes) {
  int64_t all = 1;
  for (const std::string &name : names)
    all *= name[0] == '*' ? std::stoll(name.substr(1)) : sizes.at(name);
  return names.empty() ? 0 : all;
}

/// A number that the type has, so that both engines begin with the same.
static double rounded(double value, mlir::Type type) {
  llvm::APFloat number(value);
  bool lost;
  number.convert(cast<FloatType>(type).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
  number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
  return number.convertToDouble();
}

static Scalar drawOne(const Fill &fill, mlir::Type type, int64_t limit, Random &random) {
  int64_t low = int64_t(fill.low), high = std::max(int64_t(fill.high) + limit, low);
  switch (fill.kind) {
  case Fill::Normal:
    return {.f = rounded(fill.high * random.normal(), type)};
  case Fill::Uniform:
    return {.f = rounded(fill.low + (fill.high - fill.low) * random.uniform(), type)};
  case Fill::Steps:
    return {.f = double(random.between(4 * low, 4 * high)) / 4};
  case Fill::Bools:
    return {.i = random.chance(fill.high)};
  default:
    return {.i = random.between(low, high)};
  }
}

static reference::Value drawValue(const Type &type, const Fill &fill, mlir::Type given, const std::map<std::string, int64_t> &sizes, Random &random) {
  mlir::Type element = getElementTypeOrSelf(given);
  int64_t limit = product(fill.limit, sizes);
  if (!type.isTensor)
    return {element, drawOne(fill, element, limit, random)};
  reference::Tensor tensor{element, {}, {}};
  for (const Size &size : type.shape)
    tensor.shape.push_back(size.isStatic() ? size.fixed : sizes.at(size.value.substr(1)));
  tensor.elements.resize(size_t(reference::numElements(tensor.shape)));
  if (fill.kind == Fill::Offsets) {
    for (Scalar &x : tensor.elements)
      x.i = random.between(0, limit);
    llvm::sort(tensor.elements, [](Scalar a, Scalar b) { return a.i < b.i; });
    tensor.elements.back().i = limit;
    tensor.elements.front().i = 0;
  } else {
    for (Scalar &x : tensor.elements)
      x = drawOne(fill, element, limit, random);
  }
  return tensor;
}

Case drawCase(const Program &program, ModuleOp module, Random &random) {
  Case out;
  for (const NamedSize &size : program.sizes)
    out.sizes[size.name] = size.oneMoreThan.empty() ? random.pick(size.choices) : out.sizes.at(size.oneMoreThan) + 1;
  auto entry = module.lookupSymbol<func::FuncOp>("main");
  for (auto [argument, type] : llvm::zip_equal(program.arguments, entry.getArgumentTypes()))
    out.arguments.push_back(drawValue(argument.type, argument.fill, type, out.sizes, random));
  for (const Weight &weight : program.weights)
    out.weights.emplace(weight.name, drawValue(weight.type, weight.fill, module.lookupSymbol<ml_program::GlobalOp>(weight.name).getType(), out.sizes, random));
  return out;
}

Case perturbed(const Case &from, const Program &program, Random &random) {
  Case out = from;
  auto move = [&](reference::Value &value) {
    if (!value.isFloat())
      return;
    auto moved = [&](Scalar x) { return Scalar{.f = x.f * (1 + 0x1p-21 * random.normal())}; };
    if (!value.isTensor()) {
      value = {value.elementType(), moved(value.scalar())};
      return;
    }
    reference::Tensor tensor = value.tensor();
    for (Scalar &x : tensor.elements)
      x = moved(x);
    value = std::move(tensor);
  };
  for (auto [value, argument] : llvm::zip_equal(out.arguments, program.arguments))
    if (argument.fill.kind != Fill::Steps)
      move(value);
  for (auto &[name, value] : out.weights)
    move(value);
  return out;
}

//===----------------------------------------------------------------------===//
// Comparing
//===----------------------------------------------------------------------===//

static std::string sizesText(const reference::Value &value) {
  if (!value.isTensor())
    return "a scalar";
  std::string out = "[";
  for (int64_t size : value.shape())
    out += (out.size() > 1 ? ", " : "") + std::to_string(size);
  return out + "]";
}

/// Whether an element is as expected, within `bound` where it is finite.
static bool agrees(Scalar found, Scalar expected, bool isFloat, double bound) {
  if (!isFloat)
    return found.i == expected.i;
  if (std::isnan(expected.f) || std::isnan(found.f))
    return std::isnan(expected.f) && std::isnan(found.f);
  return found.f == expected.f || std::fabs(found.f - expected.f) <= bound;
}

std::string difference(ArrayRef<reference::Value> found, ArrayRef<reference::Value> expected, double tolerance) {
  for (auto [number, pair] : llvm::enumerate(llvm::zip_equal(found, expected))) {
    auto [a, b] = pair;
    if (a.isTensor() && a.shape() != b.shape())
      return llvm::formatv("result {0}: shape {1}, expected {2}", number, sizesText(a), sizesText(b));
    double largest = 0.1;
    for (Scalar x : b.flat())
      if (b.isFloat() && std::isfinite(x.f))
        largest = std::max(largest, std::fabs(x.f));
    int64_t bad = 0, first = 0;
    for (auto [at, pair] : llvm::enumerate(llvm::zip_equal(a.flat(), b.flat())))
      if (!agrees(std::get<0>(pair), std::get<1>(pair), b.isFloat(), tolerance * largest) && bad++ == 0)
        first = int64_t(at);
    if (!bad)
      continue;
    auto show = [&](const reference::Value &v) {
      Scalar x = v.flat()[size_t(first)];
      return v.isFloat() ? llvm::formatv("{0:e8}", x.f).str() : std::to_string(x.i);
    };
    return llvm::formatv("result {0} {1}: {2} of {3} elements differ, the first at {4}: {5}, expected {6} (the largest is {7})", number, sizesText(b), bad, b.flat().size(), first,
                         show(a), show(b), largest);
  }
  return "";
}

} // namespace attnc::fuzz
