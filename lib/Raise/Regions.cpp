// Captures: an element at plain indices arrives as such, a table that is read at computed indices as a whole. What is
// expensive and does not depend on the score is not computed again at each key: the tensor that has it is read.
#include "Regions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace attnc::raise {

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//

static bool isExpensive(ExprRef e) {
  unsigned operations = 0;
  return contains(e, [&](ExprRef part) {
    operations += part->kind == Kind::Op;
    return operations > 24 || (part->kind == Kind::Op && part->name.starts_with("math.") && part->name != "math.absf" &&
                               part->name != "math.absi" && part->name != "math.isnan");
  });
}

void Regions::add(Capture capture) { captures.push_back(capture); }

/// A digit of an index that the regions know: not those of d and v.
bool Regions::captureIndex(ExprRef index, Miss &miss) {
  std::optional<SmallVector<Part>> parts = dims.refine(index, 0);
  bool known = parts && llvm::all_of(*parts, [&](const Part &part) {
                 if (part.index->kind == Kind::Int)
                   return true;
                 std::optional<Dim> dim = dims.find(part.index);
                 bool grouped = dims.has(Dim::G) && dims.has(Dim::R);
                 return dim && *dim < Dim::D && (!grouped || *dim != Dim::G || dims.getDigit(Dim::R)->extent != kRest) &&
                        (!grouped || *dim != Dim::R || dims.getDigit(Dim::R)->extent != kRest);
               });
  if (!known)
    miss.reason = "scores or mask depend on an index that is no batch, head, query or key";
  return known;
}

bool Regions::captureLoad(ExprRef load, Miss &miss) {
  bool plain = llvm::all_of(load->operands, isPlain);
  std::optional<MappedTensor> mapped;
  if (plain)
    mapped = dims.map(outside, {load->value, SmallVector<ExprRef>(load->operands)});
  // A capture has no key index where keys are of several sources.
  bool inner = mapped && llvm::any_of(mapped->map.getResults(), [&](AffineExpr e) {
                 return e.isFunctionOfDim(Dim::D) || e.isFunctionOfDim(Dim::V) || (e.isFunctionOfDim(Dim::J) && !dims.hasOneSource());
               });
  if (mapped && !inner) {
    add({load, mapped->tensor, mapped->map});
    return true;
  }
  add({load, load->value, AffineMap::get(Dim::NumDims, 0, outside.getContext()), true});
  return llvm::all_of(load->operands, [&](ExprRef index) { return capture(index, miss); });
}

bool Regions::capture(ExprRef e, Miss &miss) {
  if (!done.insert(e).second)
    return true;
  ExprRef origin = elements.getOrigin(e);
  if (origin && e->kind == Kind::Op && isExpensive(e) && !contains(e, elements.context.argument(0))) {
    instead[e] = origin;
    return captureLoad(origin, miss);
  }
  size_t before = captures.size();
  llvm::DenseSet<ExprRef> doneBefore = done;
  if (captureInside(e, miss))
    return true;
  // A region cannot say at which indices it reads what a view shows: it reads the view.
  if (!origin || origin == e || contains(e, elements.context.argument(0)))
    return false;
  captures.truncate(before);
  done = std::move(doneBefore);
  instead[e] = origin;
  return captureLoad(origin, miss);
}

bool Regions::captureInside(ExprRef e, Miss &miss) {
  switch (e->kind) {
  case Kind::Float:
  case Kind::Int:
    return true;
  case Kind::Digit:
    return captureIndex(e, miss);
  case Kind::Join:
    if (llvm::any_of(e->extents.drop_front(), isDynamic)) {
      miss.reason = "scores or mask use an index whose parts have unknown sizes";
      return false;
    }
    return llvm::all_of(e->operands, [&](ExprRef part) { return capture(part, miss); });
  case Kind::Load:
    return captureLoad(e, miss);
  case Kind::Outer:
    if (e->value)
      add({e, e->value, AffineMap::get(Dim::NumDims, 0, outside.getContext())});
    return true;
  case Kind::Op:
    return llvm::all_of(e->operands, [&](ExprRef operand) { return capture(operand, miss); });
  }
  llvm_unreachable("all kinds are above");
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

namespace {
/// Writes expressions into a block. Floats are of the compute type, integers are indices.
class Writer {
public:
  Writer(ImplicitLocOpBuilder &b, const Dims &dims, FloatType compute) : b(b), dims(dims), compute(compute) {}

  DenseMap<ExprRef, Value> known;
  Value positions[Dim::NumDims], head;
  ArrayRef<Capture> captures;
  Block::BlockArgListType arguments; // one a capture
  const DenseMap<ExprRef, ExprRef> *instead;

  Value write(ExprRef e) {
    if (Value value = known.lookup(e))
      return value;
    ExprRef other = instead->lookup(e);
    Value value = other ? writeLoad(other) : make(e);
    return known[e] = value;
  }

private:
  Value make(ExprRef e) {
    switch (e->kind) {
    case Kind::Float:
      return arith::ConstantOp::create(b, b.getFloatAttr(compute, e->number));
    case Kind::Int:
      if (e->sort == Sort::Bool)
        return arith::ConstantOp::create(b, b.getBoolAttr(e->integer));
      return arith::ConstantIndexOp::create(b, e->integer);
    case Kind::Digit:
    case Kind::Join:
      return writeIndex(e);
    case Kind::Load:
    case Kind::Outer:
      return writeLoad(e);
    case Kind::Op:
      return writeOp(e);
    }
    llvm_unreachable("all kinds are above");
  }

  /// Σ part · (product of the extents behind it).
  Value writeIndex(ExprRef e) {
    SmallVector<Part> parts = *dims.refine(e, 0);
    if (parts.size() == 2 && parts[0].index == dims.getDigit(Dim::G) && parts[1].index == dims.getDigit(Dim::R))
      return head;
    Value sum;
    int64_t stride = 1;
    for (const Part &part : llvm::reverse(parts)) {
      Value value = part.index->kind == Kind::Int ? write(part.index) : writeDigit(*dims.find(part.index));
      if (stride != 1)
        value = arith::MulIOp::create(b, value, arith::ConstantIndexOp::create(b, stride));
      sum = sum ? arith::AddIOp::create(b, value, sum).getResult() : value;
      stride *= part.extent;
    }
    return sum;
  }

  /// h = g · R + r.
  Value writeDigit(Dim dim) {
    bool grouped = dims.has(Dim::G) && dims.has(Dim::R);
    if (dim != Dim::G && dim != Dim::R)
      return positions[dim];
    if (!grouped)
      return head;
    Value size = arith::ConstantIndexOp::create(b, dims.getDigit(Dim::R)->extent);
    if (dim == Dim::G)
      return arith::DivUIOp::create(b, head, size);
    return arith::RemUIOp::create(b, head, size);
  }

  Value toSort(Value value) {
    Type type = value.getType();
    if (auto floating = dyn_cast<FloatType>(type); floating && floating != compute) {
      if (floating.getWidth() < compute.getWidth())
        return arith::ExtFOp::create(b, compute, value);
      return arith::TruncFOp::create(b, compute, value);
    }
    if (type.isInteger() && !type.isInteger(1))
      return arith::IndexCastOp::create(b, b.getIndexType(), value);
    return value;
  }

  Value writeLoad(ExprRef e) {
    auto number = llvm::find_if(captures, [&](const Capture &c) { return c.load == e; }) - captures.begin();
    Value argument = arguments[number];
    if (captures[number].isWhole) {
      auto indices = llvm::map_to_vector(e->operands, [&](ExprRef index) { return write(index); });
      argument = tensor::ExtractOp::create(b, argument, indices);
    }
    return toSort(argument);
  }

  Value writeOp(ExprRef e) {
    auto operands = llvm::map_to_vector(e->operands, [&](ExprRef operand) { return write(operand); });
    if (e->is("slice"))
      return arith::AddIOp::create(b, operands[0], operands[1]);
    // Conversions name their types.
    if (e->is("arith.sitofp"))
      return arith::SIToFPOp::create(b, compute, arith::IndexCastOp::create(b, b.getI64Type(), operands[0]));
    if (e->is("arith.fptosi"))
      return arith::IndexCastOp::create(b, b.getIndexType(), arith::FPToSIOp::create(b, b.getI64Type(), operands[0]));
    if (e->is("arith.uitofp"))
      return arith::UIToFPOp::create(b, compute, operands[0]);
    if (e->is("arith.extui"))
      return arith::IndexCastUIOp::create(b, b.getIndexType(), operands[0]);
    if (e->is("arith.cmpi"))
      return arith::CmpIOp::create(b, arith::CmpIPredicate(e->integer), operands[0], operands[1]);
    if (e->is("arith.cmpf"))
      return arith::CmpFOp::create(b, arith::CmpFPredicate(e->integer), operands[0], operands[1]);
    OperationState state(b.getLoc(), e->name);
    state.addOperands(operands);
    state.addTypes(e->is("math.isnan") ? b.getI1Type() : operands.back().getType());
    return b.create(state)->getResult(0);
  }

  ImplicitLocOpBuilder &b;
  const Dims &dims;
  FloatType compute;
};
} // namespace

void Regions::build(attn::AttentionOp op, Region &region, ExprRef e, bool isMask) {
  Block &block = region.emplaceBlock();
  ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockEnd(op.getLoc(), &block);
  Writer writer(b, dims, op.getComputeType());
  if (!isMask)
    writer.known[elements.context.argument(0)] = block.addArgument(op.getComputeType(), op.getLoc());
  for (Value *position : {&writer.positions[Dim::B], &writer.head, &writer.positions[Dim::I], &writer.positions[Dim::J]})
    *position = block.addArgument(b.getIndexType(), op.getLoc());
  block.addArgument(b.getIndexType(), op.getLoc()); // the source's number
  for (const Capture &capture : captures) {
    auto tensor = dyn_cast<RankedTensorType>(capture.value.getType());
    bool isElement = tensor && (tensor.getRank() == 0 || !capture.isWhole);
    block.addArgument(isElement ? tensor.getElementType() : capture.value.getType(), op.getLoc());
  }
  writer.captures = captures;
  writer.arguments = block.getArguments().take_back(captures.size());
  writer.instead = &instead;
  attn::YieldOp::create(b, writer.write(e));
}

} // namespace attnc::raise
