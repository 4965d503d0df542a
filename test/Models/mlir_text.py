"""What the generators of models share: types, weights, functions that know their signature, and the layers every model has."""


def tensor(*shape, of="f32"):
    """tensor("?", 8) is `tensor<?x8xf32>`."""
    return "tensor<" + "".join(f"{extent}x" for extent in shape) + f"{of}>"


def weights(shapes):
    """{name: shape} → the globals that hold them."""
    return "\n".join(f'ml_program.global private @"{name}"(#ml_program.extern : {tensor(*shape)}) : {tensor(*shape)}' for name, shape in shapes.items())


def load(value, name, shape):
    return f'  {value} = ml_program.global_load_const @"{name}" : {tensor(*shape)}'


SIGNATURES = {}


def function(name, arguments, results, body, comment=""):
    """A private function: arguments {name: type}, results [type]; `call` writes calls of it."""
    SIGNATURES[name] = list(arguments.values()), results
    arguments = ", ".join(f"%{a}: {t}" for a, t in arguments.items())
    comment = "".join(f"// {line}\n" for line in comment.splitlines())
    return f"\n{comment}func.func private @{name}({arguments}) -> ({', '.join(results)}) {{\n{body.strip(chr(10))}\n}}\n"


def call(results, name, *operands):
    """`%a, %b = func.call @name(…)`, with the types that `function` was told."""
    arguments, types = SIGNATURES[name]
    assert len(arguments) == len(operands), name
    return f"  {results} = func.call @{name}({', '.join(operands)}) : ({', '.join(arguments)}) -> ({', '.join(types)})"


class Layer:
    """The weights of a layer: {value: (name, shape)}, name in the file: layers.NUMBER.NAME."""

    def __init__(self, table):
        self.table = table

    def shapes(self, count):
        return {f"layers.{l}.{name}": shape for l in range(count) for name, shape in self.table.values()}

    def types(self, part=None):
        """{argument: type} of a function that takes some of them."""
        return {value: tensor(*self.table[value][1]) for value in part or self.table}

    def of(self, part=None, layer=None):
        """Their values: of one layer where they are loaded, otherwise the arguments in a function."""
        return ["%" + value if layer is None else f"%{value}_{layer}" for value in part or self.table]

    def loads(self, layer):
        return [load(f"%{value}_{layer}", f"layers.{layer}.{name}", shape) for value, (name, shape) in self.table.items()]


# Indices of x W^T, W [n, k], and of elementwise ops, on [B, T, width].
MAPS = """#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
"""


def linear(name, n, k, bias=False):
    """@name(x [B, T, k], w [n, k], bias [n]) = x W^T + bias."""
    x, y, w, b = tensor("?", "?", k), tensor("?", "?", n), tensor(n, k), tensor(n)
    start = (f"  %s = linalg.broadcast ins(%bias : {b}) outs(%e : {y}) dimensions = [0, 1]" if bias else
             f"  %zero = arith.constant 0.0 : f32\n  %s = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}")
    return function(name, {"x": x, "w": w} | ({"bias": b} if bias else {}), [y], f"""
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : {x}
  %t = tensor.dim %x, %c1 : {x}
  %e = tensor.empty(%b, %t) : {y}
{start}
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : {x}, {w}) outs(%s : {y}) -> {y}
  return %y : {y}
""", "x W^T" + (" + b." if bias else "."))


def gelu(name, width):
    """@name(x [B, T, width]) = x Φ(x)."""
    x = tensor("?", "?", width)
    return function(name, {"x": x}, [x], f"""
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %root_f64 = arith.constant 0.70710678118654757 : f64
  %root = arith.truncf %root_f64 : f64 to f32
  %y = linalg.generic {{indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]}} outs(%x : {x}) {{
  ^bb0(%u: f32):
    %s = arith.mulf %u, %root : f32
    %e = math.erf %s : f32
    %p = arith.addf %e, %one : f32
    %h = arith.mulf %u, %half : f32
    %g = arith.mulf %h, %p : f32
    linalg.yield %g : f32
  }} -> {x}
  return %y : {x}
""", "x Φ(x).")


def silu(name, width):
    """@name(x [B, T, width]) = x σ(x)."""
    x = tensor("?", "?", width)
    return function(name, {"x": x}, [x], f"""
  %one = arith.constant 1.0 : f32
  %y = linalg.generic {{indexing_maps = [#all], iterator_types = ["parallel", "parallel", "parallel"]}} outs(%x : {x}) {{
  ^bb0(%u: f32):
    %n = arith.negf %u : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %s = arith.divf %u, %d : f32
    linalg.yield %s : f32
  }} -> {x}
  return %y : {x}
""", "x σ(x).")
