"""The layer of the C rows (c_layers.py, without groups) as text of attn/loop IR, for generators: queries, keys and values out of one
packed projection, one attn.attention an entry, the heads projected."""

HEADER = """// {name}: {about}
// Made by generate_{name}.py.
!x = tensor<?x?x{d}xf32>
!qkv = tensor<?x?x3x{heads}x{width}xf32>
!heads = tensor<?x?x{heads}x{width}xf32>

ml_program.global private @"attention.qkv.weight"(#ml_program.extern : tensor<{rows}x{d}xf32>) : tensor<{rows}x{d}xf32>
ml_program.global private @"attention.out.weight"(#ml_program.extern : tensor<{d}x{inner}xf32>) : tensor<{d}x{inner}xf32>

func.func private @qkv(%x: !x) -> !qkv {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %w = ml_program.global_load_const @"attention.qkv.weight" : tensor<{rows}x{d}xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?x{rows}xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x{rows}xf32>) -> tensor<?x?x{rows}xf32>
  %p = linalg.contract indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>, affine_map<(b, t, n, k) -> (n, k)>, affine_map<(b, t, n, k) -> (b, t, n)>]
      ins(%x, %w : !x, tensor<{rows}x{d}xf32>) outs(%f : tensor<?x?x{rows}xf32>) -> tensor<?x?x{rows}xf32>
  %y = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, {heads}, {width}] : tensor<?x?x{rows}xf32> into !qkv
  return %y : !qkv
}}

func.func private @empty(%x: !x) -> !heads {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !x
  %t = tensor.dim %x, %c1 : !x
  %e = tensor.empty(%b, %t) : !heads
  return %e : !heads
}}

func.func private @out(%heads: !heads) -> !x {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %heads, %c0 : !heads
  %t = tensor.dim %heads, %c1 : !heads
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : !heads into tensor<?x?x{inner}xf32>
  %w = ml_program.global_load_const @"attention.out.weight" : tensor<{d}x{inner}xf32>
  %e = tensor.empty(%b, %t) : !x
  %f = linalg.fill ins(%zero : f32) outs(%e : !x) -> !x
  %y = linalg.contract indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>, affine_map<(b, t, n, k) -> (n, k)>, affine_map<(b, t, n, k) -> (b, t, n)>]
      ins(%a, %w : tensor<?x?x{inner}xf32>, tensor<{d}x{inner}xf32>) outs(%f : !x) -> !x
  return %y : !x
}}
"""
LENGTHS = '%lengths: tensor<?xi32> {attnc.name = "lengths", attnc.dims = ["B"]}'
VALID = " valid %lengths[b] : tensor<?xi32>"


def tensor_of(shape):
    return "tensor<" + "".join(f"{n}x" for n in shape) + "f32>"


def header(config, about, weights=None):
    """The beginning of a model; weights {name: shape} beside the layer's."""
    sizes = dict(d=config["d"], heads=config["heads"], width=config["head_width"], inner=config["heads"] * config["head_width"])
    text = HEADER.format(name=config["model"], about=about, rows=3 * sizes["inner"], **sizes)
    for name, shape in (weights or {}).items():
        text += f'\nml_program.global private @"{name}"(#ml_program.extern : {tensor_of(shape)}) : {tensor_of(shape)}'
    return text + "\n" * bool(weights)


def load(value, name, shape):
    return f'  {value} = ml_program.global_load_const @"{name}" : {tensor_of(shape)}\n'


def region(name, captures, lines, value, type):
    """A region of attention: `score` gets %s, all get %b, %h, %i, %j, %n and the captures' names."""
    first = "%s, " if name == "score" else ""
    more = "".join(f", {c}" for c in captures)
    body = "".join(f"        {line.strip()}\n" for line in lines.strip().splitlines())
    return f"      {name}({first}%b, %h, %i, %j, %n{more}) {{\n{body}        attn.yield {value} : {type}\n      }}\n"


def attend(config, result="%heads", query="%p[b, i, 0, g, d] : !qkv", key="%p[b, j, 1, g, d]", value="%p[b, j, 2, g, v]", source="!qkv, !qkv", valid=VALID,
           captures="", regions="", into="%e", scale=None):
    """One attention of all heads."""
    scale = config["head_width"] ** -0.5 if scale is None else scale
    captures = f"      captures {captures}\n" if captures else ""
    return (f"  {result} = attn.attention softmax scale({scale!r})\n      query {query}\n      source {key}, {value} : {source}{valid}\n{captures}"
            f"      into {into}[b, i, g, v] : !heads\n{regions}")


def entry(name, about, body, inputs=LENGTHS):
    """An entry that ends with %heads. %p: the projection of %x, %e: an empty destination."""
    given = f', {inputs}' if inputs else ""
    return f"""
// {about}
func.func @{name}(%x: !x {{attnc.name = "x", attnc.dims = ["B", "T"]}}{given})
    -> (!x {{attnc.name = "y", attnc.dims = ["B", "T"]}}) {{
  %p = func.call @qkv(%x) : (!x) -> !qkv
  %e = func.call @empty(%x) : (!x) -> !heads
{body}  %y = func.call @out(%heads) : (!heads) -> !x
  return %y : !x
}}
"""


def masked(config, name, about, lines, value, captures="", names=(), inputs=LENGTHS):
    """An entry that differs by its mask alone."""
    return entry(name, about, attend(config, captures=captures, regions=region("mask", names, lines, value, "i1")), inputs)
