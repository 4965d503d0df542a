"""What the generators of recurrent layers share, as text of attn/loop IR: entries over x and states, projections, elementwise code."""
from c_text import load, tensor_of


def rows(*shape):
    return tensor_of(["?", "?", *shape])


def header(name, about, weights):
    return f"// {name}: {about}\n// Made by generate_{name}.py.\n" + "".join(
        f'ml_program.global private @"{n}"(#ml_program.extern : {tensor_of(s)}) : {tensor_of(s)}\n' for n, s in weights.items())


def entry(name, about, d, states, body, results):
    """%x [B, T, d] and states {name: (type, dims)} as %NAME0; results: %y, then the new states in order."""
    x = rows(d)
    inputs = "".join(f',\n    %{n}0: {t} {{attnc.state = "{n}", attnc.dims = ["B"]}}' for n, t in states.items())
    outputs = "".join(f', {t} {{attnc.state = "{n}"}}' for n, t in states.items())
    return f"""
// {about}
func.func @{name}(%x: {x} {{attnc.name = "x", attnc.dims = ["B", "T"]}}{inputs})
    -> ({x} {{attnc.name = "y", attnc.dims = ["B", "T"]}}{outputs}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %x, %c0 : {x}
  %t = tensor.dim %x, %c1 : {x}
{body}  return {', '.join(results)} : {', '.join([x, *states.values()])}
}}
"""


def linear(result, name, of, k, n):
    """of @ name.T"""
    return load(result + "_w", name, [n, k]) + f"""  {result}_e = tensor.empty(%b, %t) : {rows(n)}
  {result}_0 = linalg.fill ins(%zero : f32) outs({result}_e : {rows(n)}) -> {rows(n)}
  {result} = linalg.contract indexing_maps = [affine_map<(b, t, n, k) -> (b, t, k)>, affine_map<(b, t, n, k) -> (n, k)>, affine_map<(b, t, n, k) -> (b, t, n)>]
      ins({of}, {result}_w : {rows(k)}, tensor<{n}x{k}xf32>) outs({result}_0 : {rows(n)}) -> {rows(n)}
"""


def each(result, dims, operands, type, lines, value):
    """A linalg.generic over `dims`, [(%value, type, indices)] as %u0, %u1, …"""
    maps = ", ".join(f"affine_map<({dims}) -> ({i})>" for *_, i in operands) + f", affine_map<({dims}) -> ({dims})>"
    loops = ", ".join(['"parallel"'] * len(dims.split(", ")))
    sizes = ", ".join(["%b", "%t"][:type.count("?")])
    body = "".join(f"    {line.strip()}\n" for line in lines.strip().splitlines())
    return f"""  {result}_d = tensor.empty({sizes}) : {type}
  {result} = linalg.generic {{indexing_maps = [{maps}], iterator_types = [{loops}]}}
      ins({', '.join(o[0] for o in operands)} : {', '.join(o[1] for o in operands)}) outs({result}_d : {type}) {{
  ^bb0({', '.join(f'%u{n}: f32' for n in range(len(operands)))}, %o: f32):
{body}    linalg.yield {value} : f32
  }} -> {type}
"""


def sigmoid(result, of):
    return f"%n{result} = arith.negf {of} : f32\n%e{result} = math.exp %n{result} : f32\n%m{result} = arith.addf %e{result}, %one : f32\n%{result} = arith.divf %one, %m{result} : f32\n"


def softplus(result, of):
    """max(u, 0) + log1p(exp(-|u|))."""
    return (f"%a{result} = math.absf {of} : f32\n%n{result} = arith.negf %a{result} : f32\n%e{result} = math.exp %n{result} : f32\n%l{result} = math.log1p %e{result} : f32\n"
            f"%p{result} = arith.maximumf {of}, %zero : f32\n%{result} = arith.addf %p{result}, %l{result} : f32\n")
