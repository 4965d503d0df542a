"""Operations of ONNX, each as a case: inputs, attributes, and the opsets that it is tried in. Sizes N and T vary."""
from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSETS = (13, 18, 23)
SIZES = ({"N": 2, "T": 5}, {"N": 1, "T": 4}, {"N": 3, "T": 19})


@dataclasses.dataclass(frozen=True)
class Input:
    """Random elements in [low, high); its sizes are numbers, N or T."""
    shape: tuple
    dtype: Any = np.float32
    low: float = -2
    high: float = 2

    def draw(self, sizes: dict, random: np.random.Generator) -> np.ndarray:
        shape = [sizes.get(s, s) for s in self.shape]
        if self.dtype == np.bool_:
            return random.random(shape) < 0.5
        if np.issubdtype(self.dtype, np.integer):
            return random.integers(self.low, self.high, shape).astype(self.dtype)
        return random.uniform(self.low, self.high, shape).astype(self.dtype)


def f(*shape, **options):
    return Input(shape, **options)


def i(*shape, low=-5, high=6, dtype=np.int64):
    return Input(shape, dtype, low, high)


def truth(*shape):
    return Input(shape, np.bool_)


@dataclasses.dataclass(frozen=True)
class Case:
    operation: str
    inputs: tuple        # Input; an array is an initializer; None is left out
    results: tuple       # names; "" is not asked for
    attributes: dict
    since: int
    until: int
    tolerance: float

    def model(self, opset: int, prefix: str = "") -> onnx.ModelProto:
        """One node, its names behind the prefix."""
        names = [f"{prefix}in{n}" if x is not None else "" for n, x in enumerate(self.inputs)]
        kind = lambda x: helper.np_dtype_to_tensor_dtype(np.dtype(x.dtype))
        inputs = [helper.make_tensor_value_info(name, kind(x), list(x.shape)) for name, x in zip(names, self.inputs) if isinstance(x, Input)]
        initial = [numpy_helper.from_array(x, name) for name, x in zip(names, self.inputs) if isinstance(x, np.ndarray)]
        results = [prefix + r if r else "" for r in self.results]
        node = helper.make_node(self.operation, names, results, name=prefix + self.operation, **self.attributes)
        outputs = [onnx.ValueInfoProto(name=r) for r in results if r]
        return helper.make_model(helper.make_graph([node], "g", inputs, outputs, initial), opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


CASES: list[Case] = []


def case(operation: str, *inputs, results=("out",), since=13, until=23, tolerance=1e-5, **attributes) -> None:
    CASES.append(Case(operation, inputs, tuple(results), attributes, since, until, tolerance))


def ints(*values) -> np.ndarray:
    return np.array(values, np.int64)


X = f("N", "T", 7)
for _name in "Abs Ceil Cos Cosh Erf Exp Floor Identity Neg Relu Round Sigmoid Sign Sin Sinh Softplus Softsign Tan Tanh Atan Asinh".split():
    case(_name, X)
for _name in "Log Sqrt Reciprocal".split():
    case(_name, f("N", "T", 3, low=0.1, high=4))
for _name in "Acos Asin Atanh".split():
    case(_name, f("T", 3, low=-0.9, high=0.9))
case("Acosh", f("T", low=1.1, high=4))
case("Abs", i("N", 3))
case("Neg", i("N", 3, dtype=np.int32))
case("Not", truth("N", "T"))
for _name, _attributes in {"Elu": {"alpha": 0.7}, "Celu": {"alpha": 1.3}, "Selu": {}, "LeakyRelu": {"alpha": 0.2}, "HardSigmoid": {"alpha": 0.3, "beta": 0.4},
                           "ThresholdedRelu": {"alpha": 0.5}, "Shrink": {"lambd": 0.6, "bias": 0.1}}.items():
    case(_name, X, **_attributes)
case("HardSwish", X, since=14)
case("Mish", X, since=18)
case("Gelu", X, since=20)
case("Gelu", X, since=20, approximate="tanh")
case("PRelu", X, f(7))

for _name in "Add Sub Mul Div".split():
    case(_name, X, f("T", 1))
    case(_name, X, np.array(0.3, np.float32))
    case(_name, X, f("N", 1, 7, low=0.5, high=2))
case("Div", i("N", "T"), i("T", low=1, high=5))
case("Add", i("N", "T", dtype=np.int32), i(1, dtype=np.int32))
case("Mul", f("N", 3, dtype=np.float64), f("N", 1, dtype=np.float64))
case("Pow", f("N", "T", low=0.1, high=2), f("T"))
for _exponent in (2, 3, 0.5, -0.5, -1, 1.7):
    case("Pow", f("N", "T", low=0.1, high=2), np.array(_exponent, np.float32))
case("Pow", X, np.array(2, np.int64))
case("Mod", i("N", "T"), i("T", low=1, high=4))
case("Mod", i("N", "T"), np.array(-3, np.int64))
case("Mod", f("N", "T"), f("T", low=0.5, high=1.5), fmod=1)
for _name in "And Or Xor".split():
    case(_name, truth("N", "T"), truth("T"))
for _name in "BitwiseAnd BitwiseOr BitwiseXor".split():
    case(_name, i("N", "T"), i("T"), since=18)
case("BitwiseNot", i("N", "T"), since=18)
for _name in "Equal Less LessOrEqual Greater GreaterOrEqual".split():
    case(_name, f("N", "T"), f("T"))
    case(_name, i("N", "T"), np.array(1, np.int64))
case("Equal", truth("N", "T"), truth("N", 1))
case("Max", X, f("T", 7), f(7))
case("Min", i("N", "T"), i("T"))
case("Sum", X, f("T", 1), f(7))
case("Mean", X, f("T", 1))
case("Max", X)
case("Where", truth("N", "T", 1), X, f(7))
case("Where", truth("T", 7), X, np.array(-1.5, np.float32))
case("Clip", X, np.array(-0.5, np.float32), np.array(1, np.float32))
case("Clip", X, None, np.array(1, np.float32))
case("Clip", i("N", "T"), np.array(-2, np.int64))
case("IsNaN", X)
case("IsInf", X, detect_negative=0)
for _source in (f("N", "T", low=-5, high=5), i("N", "T"), truth("N", "T")):
    for _to in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL):
        case("Cast", _source, to=_to)
case("CastLike", X, i(1), since=18)
case("Dropout", X, np.array(0.5, np.float32), np.array(False))

for _axes in ([1], [0, 2], [-1]):
    for _keep in (0, 1):
        case("ReduceSum", X, ints(*_axes), keepdims=_keep)
        for _name in "ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp".split():
            case(_name, X, axes=_axes, keepdims=_keep, until=17)
            case(_name, X, ints(*_axes), keepdims=_keep, since=18)
case("ReduceLogSum", f("N", "T", low=0.1, high=1), keepdims=0)
case("ReduceSum", X, keepdims=0)
case("ReduceSum", i("N", "T"), ints(1))
case("ReduceSum", X, noop_with_empty_axes=1)
case("ReduceMax", i("N", "T"), keepdims=0)
for _name in ("ArgMax", "ArgMin"):
    case(_name, X, axis=1, keepdims=0)
    case(_name, X, axis=-1)
for _exclusive in (0, 1):
    for _reverse in (0, 1):
        case("CumSum", X, np.array(1), exclusive=_exclusive, reverse=_reverse)
case("CumSum", i("N", "T"), np.array(-1))

case("MatMul", X, f(7, 5))
case("MatMul", f("N", 2, "T", 4), f("N", 2, 4, "T"))
case("MatMul", f("N", 1, "T", 4), f(3, 4, 2))
case("MatMul", X, f(7))
case("MatMul", f(7), f("N", 7, "T"))
case("MatMul", f("T"), f("T"))
case("Gemm", f("N", 5), f(5, 3))
case("Gemm", f("N", 5), f(3, 5), f(3), transB=1)
case("Gemm", f(5, "N"), f(5, 3), f("N", 1), transA=1, alpha=0.5, beta=2.0)
case("Gemm", f("N", 5), f(5, 3), f(3), alpha=1.0, beta=1.0)
case("Gemm", f("N", 5), f(5, 3), np.array(0.5, np.float32))
for _equation, _operands in {"bij,bjk->bik": (f("N", "T", 3), f("N", 3, 5)), "bthd,bshd->bhts": (f("N", "T", 2, 4), f("N", 6, 2, 4)), "ij->ji": (f("N", "T"),),
                             "bij->b": (f("N", "T", 3),), "...ij,jk->...ik": (f("N", 2, "T", 3), f(3, 4)), "i,j": (f("N"), f("T")),
                             "ij,jk,kl->il": (f("N", 3), f(3, "T"), f("T", 2)), "bij,bik->bj": (f("N", 3, "T"), f("N", 3, 2))}.items():
    case("Einsum", *_operands, equation=_equation)
case("Conv", f("N", 4, 9), f(6, 4, 3), f(6), pads=[1, 1])
case("Conv", f("N", 4, 9, 8), f(6, 2, 3, 2), group=2, strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 1])
case("Conv", f("N", 3, 8, 8), f(5, 3, 4, 4), f(5), strides=[4, 4], kernel_shape=[4, 4])
case("Conv", f("N", 3, "T"), f(3, 1, 3), group=3, pads=[2, 0])
case("Conv", f("N", 3, 7), f(2, 3, 2), auto_pad="SAME_UPPER", strides=[2])

for _axis in (-1, 1, 0):
    case("Softmax", X, axis=_axis)
    case("LogSoftmax", X, axis=_axis)
case("Hardmax", X)
case("LayerNormalization", X, f(7), f(7), since=17)
case("LayerNormalization", X, f(7), since=17, epsilon=1e-2)
case("LayerNormalization", f("N", "T", 3, 4), f(3, 4), f(3, 4), since=17, axis=-2)
case("LayerNormalization", X, f(1), f(7), since=17)
case("RMSNormalization", X, f(7), since=23)
case("RMSNormalization", f("N", "T", 3, 4), f(3, 4), since=23, axis=2, epsilon=1e-3)
case("GroupNormalization", f("N", 6, "T"), f(6), f(6), since=21, num_groups=3)
case("InstanceNormalization", f("N", 4, "T"), f(4), f(4))
case("BatchNormalization", f("N", 4, "T"), f(4), f(4), f(4), f(4, low=0.5, high=2), since=14)
case("MeanVarianceNormalization", f("N", 3, "T", 2), since=13)
case("GlobalAveragePool", f("N", 4, "T", 3))

case("Reshape", X, ints(0, -1))
case("Reshape", X, ints(-1, 7))
case("Reshape", f("N", "T", 12), ints(0, 0, 3, 4))
case("Flatten", X, axis=2)
case("Flatten", X, axis=0)
case("Squeeze", f("N", 1, "T", 1), ints(1, 3))
case("Squeeze", f(3, 1))
case("Unsqueeze", X, ints(0, -1))
case("Transpose", X, perm=[2, 0, 1])
case("Transpose", X)
case("Expand", f("T", 1), ints(3, 1, 4))
case("Expand", f(), ints(2, 3))
case("Concat", X, f("N", 2, 7), f("N", "T", 7), axis=1)
case("Concat", f("N", 3), f("N", 4), axis=-1)
case("Split", f("N", 8), ints(3, 5), axis=1, results=("a", "b"))
case("Split", f("N", 8), axis=-1, results=("a", "b"), until=17)
case("Split", f("N", 7), axis=-1, num_outputs=3, results=("a", "b", "c"), since=18)
case("Slice", X, ints(1), ints(3), ints(1))
case("Slice", X, ints(0, 1), ints(-1, 2 ** 63 - 1), ints(1, 2))
case("Slice", X, ints(-3), ints(2 ** 63 - 1), ints(-1))
case("Slice", X, ints(0), ints(2 ** 31 - 1), ints(1), ints(2))
case("Slice", X, ints(-1), ints(-2 ** 63), ints(1), ints(-1))
case("Slice", X, ints(5), ints(0), ints(2), ints(-2))
case("Tile", X, ints(2, 1, 3))
case("Tile", f("T"), ints(3))
case("Pad", X, ints(0, 1, 2, 0, 0, 1), np.array(0.5, np.float32))
case("Pad", X, ints(0, -1, 1, 0, 0, -2))
case("Pad", X, ints(2, 1), None, ints(2), since=18)
case("Trilu", f("N", "T", "T"), since=14, upper=0)
case("Trilu", f("T", 6), np.array(1), since=14)
case("Trilu", f("T", 6), np.array(-2), since=14, upper=0)
case("EyeLike", f("T", 5), k=1)
case("Shape", X)
case("Shape", X, start=1, end=-1, since=18)
case("Size", X)
case("ConstantOfShape", ints(2, 3), value=numpy_helper.from_array(np.array([1.5], np.float32)))
case("Range", ints(2).reshape(()), ints(9).reshape(()), ints(3).reshape(()))
case("Range", *(np.array(v, np.float32) for v in (0, 2, 0.5)))
case("DepthToSpace", f("N", 8, 2, 3), blocksize=2)
case("DepthToSpace", f("N", 8, 2, 3), blocksize=2, mode="CRD")
case("SpaceToDepth", f("N", 2, 4, 6), blocksize=2)

case("Gather", f(9, 4), i("N", "T", low=-9, high=9))
case("Gather", X, i(3, low=0, high=7), axis=2)
case("Gather", X, np.array(-1), axis=1)
case("Gather", X, ints(0, 2), axis=2)
case("GatherElements", f("N", 6, 3), i("N", "T", 3, low=-6, high=6), axis=1)
case("GatherND", f("N", 4, 5), i("T", 2, low=-1, high=1))
case("GatherND", f(4, 5, 3), np.array([[0, -1, 2], [3, 1, 0]]))
case("ScatterElements", f("N", 6), np.array([[0, 5, -2]]), f(1, 3), axis=1)
case("ScatterElements", f("N", 6), i("N", 3, low=0, high=6), f("N", 3), axis=1, since=18, reduction="add")
case("ScatterND", f(6, 4), np.array([[1], [-2], [0]]), f(3, 4))
case("ScatterND", f(6, 4), np.array([[[1, 2]], [[0, 3]]]), f(2, 1))
case("ScatterND", f(6, 4), i("N", 1, low=0, high=6), f("N", 4), since=18, reduction="add")
case("TopK", X, ints(3), results=("values", "indices"), axis=2)
case("TopK", X, ints(2), results=("values", "indices"), axis=1, largest=0)
case("OneHot", i("N", "T", low=-4, high=6), ints(5), np.array([0.5, 2], np.float32))
case("OneHot", i("N", "T", low=0, high=5), np.array(5), np.array([0, 1]), axis=1)

case("LSTM", f("T", "N", 3), f(1, 20, 3), f(1, 20, 5), hidden_size=5, results=("rows", "h", "c"))
case("LSTM", f("T", "N", 3), f(2, 20, 3), f(2, 20, 5), f(2, 40), None, f(2, "N", 5), f(2, "N", 5), hidden_size=5, direction="bidirectional", results=("rows", "h", "c"))
case("GRU", f("T", "N", 3), f(1, 12, 3), f(1, 12, 4), f(1, 24), hidden_size=4, results=("rows", "h"))
case("GRU", f("T", "N", 3), f(1, 12, 3), f(1, 12, 4), f(1, 24), hidden_size=4, direction="reverse", linear_before_reset=1, results=("", "h"))
case("RNN", f("T", "N", 3), f(1, 4, 3), f(1, 4, 4), f(1, 8), None, f(1, "N", 4), hidden_size=4, results=("rows", "h"))

_q, _kv = f("N", 4, "T", 8), (f("N", 2, 6, 8), f("N", 2, 6, 8))
case("Attention", _q, *_kv, since=23)
case("Attention", _q, f("N", 4, "T", 8), f("N", 4, "T", 8), since=23, is_causal=1)
case("Attention", _q, *_kv, f("T", 6), since=23, scale=0.3)
case("Attention", _q, *_kv, f("N", 4, "T", 6), since=23, softcap=1.5)
case("Attention", _q, *_kv, truth("N", 1, "T", 6), since=23, is_causal=1)
case("Attention", _q, *_kv, np.arange(6).reshape(1, 1, 1, 6) < 4, since=23)
case("Attention", f("N", "T", 32), f("N", 6, 16), f("N", 6, 10), since=23, q_num_heads=4, kv_num_heads=2)
case("Attention", _q, f("N", 2, "T", 8), f("N", 2, "T", 8), None, f("N", 2, 3, 8), f("N", 2, 3, 8), since=23, is_causal=1, results=("out", "keys", "values"))
case("RotaryEmbedding", f("N", 4, "T", 8), f("N", "T", 4), f("N", "T", 4), since=23)
case("RotaryEmbedding", f("N", 4, "T", 8), f(20, 4), f(20, 4), i("N", "T", low=0, high=20), since=23, interleaved=1)
case("RotaryEmbedding", f("N", "T", 32), f("N", "T", 2), f("N", "T", 2), since=23, num_heads=4, rotary_embedding_dim=4)
