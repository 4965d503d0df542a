"""Layers as text of attn/loop IR, for the generators of models (generate_*.py).

A layer is a function named for its weights, as the definitions name them: `linear("ffn.up", 2, 24, 40)` gives
@"ffn.up"(%x: tensor<?x?x24xf32>) -> tensor<?x?x40xf32> and the globals "ffn.up.weight" and "ffn.up.bias". `rows` is the
number of dynamic dimensions in front."""


def tensor(*shape, of="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + of + ">"


def over(rows, *shape, of="f32"):
    """The type of `rows` dynamic dimensions, then `shape`."""
    return tensor(*["?"] * rows, *shape, of=of)


def maps(dims, *results):
    """Indexing maps over `dims`, one for each of `results`: maps("b c", "b", "b c")."""
    at = ", ".join(dims.split())
    return "[" + ", ".join(f"affine_map<({at}) -> ({', '.join(r.split())})>" for r in results) + "]"


def parallel(n):
    return "[" + ", ".join(['"parallel"'] * n) + "]"


def function(name, about, arguments, results, body, weights=""):
    """A private function behind a comment and its weights; arguments {"%x": type}, body lines."""
    given = ", ".join(f"{a}: {t}" for a, t in arguments.items())
    return (f"\n// {about}\n{weights}" + f'func.func private @"{name}"({given}) -> {results} {{\n'
            + "".join(f"  {line}\n" for line in body) + "}\n")


def named(name, type, dims):
    """A type with what callers know it by; dims "BT" are the sizes B and T."""
    sizes = f", attnc.dims = [{', '.join(chr(34) + d + chr(34) for d in dims)}]" if dims else ""
    return f'{type} {{attnc.name = "{name}"{sizes}}}'


def entry(name, about, inputs, results, body):
    """A function that callers see; inputs and results {value: (name, type, dims)}."""
    given = ", ".join(f"{value}: {named(*what)}" for value, what in inputs.items())
    given_back = ", ".join(named(*what) for what in results.values())
    last = f"return {', '.join(results)} : {', '.join(type for _, type, _ in results.values())}"
    return (f"\n// {about}\nfunc.func @{name}({given})\n    -> ({given_back}) {{\n"
            + "".join(f"  {line}\n" for line in [*body, last]) + "}\n")


def weight(name, *shape):
    return f'ml_program.global private @"{name}"(#ml_program.extern : {tensor(*shape)}) : {tensor(*shape)}\n'


def load(value, name, *shape):
    return f'{value} = ml_program.global_load_const @"{name}" : {tensor(*shape)}'


def call(result, name, arguments, results):
    """A call of a layer; arguments {value: type}."""
    return f'{result} = func.call @"{name}"({", ".join(arguments)}) : ({", ".join(arguments.values())}) -> {results}'


def sizes(rows, x, type):
    """Lines for the dynamic dimensions %n0, %n1 of x, and how a tensor.empty names them."""
    lines = [f"%c{i} = arith.constant {i} : index" for i in range(rows)]
    lines += [f"%n{i} = tensor.dim {x}, %c{i} : {type}" for i in range(rows)]
    return lines, ", ".join(f"%n{i}" for i in range(rows))


def linear(name, rows, k, n, bias=True):
    """x W^T + b."""
    x, y, at = over(rows, k), over(rows, n), " ".join("ij"[:rows])
    lines, dims = sizes(rows, "%x", x)
    start = [load("%b", name + ".bias", n),
             f"%s = linalg.broadcast ins(%b : {tensor(n)}) outs(%e : {y}) dimensions = {list(range(rows))}"] if bias else [
        "%zero = arith.constant 0.0 : f32", f"%s = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}"]
    contract = maps(f"{at} n k", f"{at} k", "n k", f"{at} n")
    body = lines + [load("%w", name + ".weight", n, k), f"%e = tensor.empty({dims}) : {y}", *start,
                    f"%y = linalg.contract indexing_maps = {contract}",
                    f"    ins(%x, %w : {x}, {tensor(n, k)}) outs(%s : {y}) -> {y}", f"return %y : {y}"]
    weights = weight(name + ".weight", n, k) + (weight(name + ".bias", n) if bias else "")
    return function(name, "x W^T + b." if bias else "x W^T.", {"%x": x}, y, body, weights)


SIGMOID = ["  %neg = arith.negf %z : f32", "  %exp = math.exp %neg : f32", "  %den = arith.addf %exp, %one : f32",
           "  %sig = arith.divf %one, %den : f32"]


def probability(name, rows, k):
    """σ(w·x + b), one number a row."""
    x, y, at = over(rows, k), over(rows), " ".join("ij"[:rows])
    lines, dims = sizes(rows, "%x", x)
    body = lines + ["%zero = arith.constant 0.0 : f32", "%one = arith.constant 1.0 : f32", load("%w1", name + ".weight", 1, k),
                    f"%w = tensor.collapse_shape %w1 [[0, 1]] : {tensor(1, k)} into {tensor(k)}", load("%b", name + ".bias", 1),
                    f"%e = tensor.empty({dims}) : {y}", f"%s = linalg.fill ins(%zero : f32) outs(%e : {y}) -> {y}",
                    f"%dot = linalg.contract indexing_maps = {maps(f'{at} k', f'{at} k', 'k', at)}",
                    f"    ins(%x, %w : {x}, {tensor(k)}) outs(%s : {y}) -> {y}",
                    f"%p = linalg.generic {{indexing_maps = {maps(at, at, '0', at)}, iterator_types = {parallel(rows)}}}",
                    f"    ins(%dot, %b : {y}, {tensor(1)}) outs(%e : {y}) {{", "^bb0(%d: f32, %c: f32, %out: f32):",
                    "  %z = arith.addf %d, %c : f32", *SIGMOID, "  linalg.yield %sig : f32", f"}} -> {y}", f"return %p : {y}"]
    weights = weight(name + ".weight", 1, k) + weight(name + ".bias", 1)
    return function(name, "σ(w·x + b), one number a row.", {"%x": x}, y, body, weights)


def norm(name, rows, d, eps="1.0e-5"):
    """Layer normalisation over the last dimension."""
    x = over(rows, d)
    body = [load("%w", name + ".weight", d), load("%b", name + ".bias", d),
            f"%y = attn.layer_norm %x weight(%w : {tensor(d)}) bias(%b : {tensor(d)}) eps({eps}) : {x}", f"return %y : {x}"]
    return function(name, "LN(x).", {"%x": x}, x, body, weight(name + ".weight", d) + weight(name + ".bias", d))


def pointwise(result, dims, operands, out, lines, value):
    """A linalg.generic over dims whose body is `lines` and yields `value`; operands [(name in the body, value, type,
    indices)], out (destination, type)."""
    (destination, type), count = out, len(dims.split())
    given = ", ".join(v for _, v, _, _ in operands) + " : " + ", ".join(t for _, _, t, _ in operands)
    at = maps(dims, *[i for _, _, _, i in operands], dims)
    arguments = ", ".join(f"{name}: f32" for name, *_ in operands) + ", %out: f32"
    return [f"{result} = linalg.generic {{indexing_maps = {at}, iterator_types = {parallel(count)}}}",
            f"    ins({given}) outs({destination} : {type}) {{", f"^bb0({arguments}):",
            *[f"  {line}" for line in lines], f"  linalg.yield {value} : f32", f"}} -> {type}"]


def gelu(rows, d):
    """x Φ(x), exact. The root is taken here, since a constant would be rounded to f32."""
    x, at = over(rows, d), " ".join("ij"[:rows]) + " c"
    lines, dims = sizes(rows, "%x", x)
    half = ["%u = arith.divf %v, %root : f32", "%erf = math.erf %u : f32", "%more = arith.addf %erf, %one : f32",
            "%twice = arith.mulf %v, %more : f32", "%half = arith.divf %twice, %two : f32"]
    body = lines + ["%one = arith.constant 1.0 : f32", "%two = arith.constant 2.0 : f32", "%root = math.sqrt %two : f32",
                    f"%e = tensor.empty({dims}) : {x}",
                    *pointwise("%y", at, [("%v", "%x", x, at)], ("%e", x), half, "%half"), f"return %y : {x}"]
    return function("gelu", "x Φ(x).", {"%x": x}, x, body)


def feed_forward(at, rows, d, n):
    """A + W_down gelu(W_up LN A), with norm2. Needs @gelu."""
    x, u = over(rows, d), over(rows, n)
    body = [call("%m", at + "norm2", {"%a": x}, x), call("%u", at + "ffn.up", {"%m": x}, u), call("%g", "gelu", {"%u": u}, u),
            call("%d", at + "ffn.down", {"%g": u}, x), *sizes(rows, "%a", x)[0],
            f"%e = tensor.empty({sizes(rows, '%a', x)[1]}) : {x}",
            f"%y = linalg.add ins(%a, %d : {x}, {x}) outs(%e : {x}) -> {x}", f"return %y : {x}"]
    return (norm(at + "norm2", rows, d) + linear(at + "ffn.up", rows, d, n) + linear(at + "ffn.down", rows, n, d)
            + function(at + "ffn", "A + W_down gelu(W_up LN(A)).", {"%a": x}, x, body))


def self_attention(at, heads, width):
    """MHSA of x [B, T, d]; keys at and after a sequence's length are invisible."""
    d = heads * width
    x, q, s = over(2, d), over(2, 3 * d), over(2, 3, heads, width)
    h = over(2, heads, width)
    lengths = tensor("?", of="i32")
    lines, dims = sizes(2, "%x", x)
    body = lines + [call("%q", at + "qkv", {"%x": x}, q),
                    f"%s = tensor.expand_shape %q [[0], [1], [2, 3, 4]] output_shape [{dims}, 3, {heads}, {width}] : {q} into {s}",
                    f"%e = tensor.empty({dims}) : {h}", f"%heads = attn.attention softmax scale({width ** -0.5})",
                    f"    query %s[b, i, 0, g, d] : {s}",
                    f"    source %s[b, j, 1, g, d], %s[b, j, 2, g, v] : {s}, {s} valid %lengths[b] : {lengths}",
                    f"    into %e[b, i, g, v] : {h}",
                    f"%a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : {h} into {x}",
                    call("%o", at + "out", {"%a": x}, x), f"return %o : {x}"]
    return (linear(at + "qkv", 2, d, 3 * d, bias=False) + linear(at + "out", 2, d, d, bias=False)
            + function(at[:-1], "Attention of each token over its sequence; padding is no key.",
                       {"%x": x, "%lengths": lengths}, x, body))


def gru(name, rows, k, d):
    """A gated recurrent unit; the rows of its weights are r, z, n."""
    x, h, p, s = over(rows, k), over(rows, d), over(rows, 3 * d), over(rows, 3, d)
    at = " ".join("ij"[:rows])
    lines, dims = sizes(rows, "%h", h)
    expand = f"{[[i] for i in range(rows)] + [[rows, rows + 1]]} output_shape [{dims}, 3, {d}] : {p} into {s}"
    gates = [(f"%{v}{g}", f"%{v}", s, f"{at} {n} c") for v in "xu" for n, g in enumerate("rzn")]
    body = lines + ["%one = arith.constant 1.0 : f32", call("%x1", name + ".input", {"%f": x}, p),
                    call("%u1", name + ".state", {"%h": h}, p), f"%x = tensor.expand_shape %x1 {expand}",
                    f"%u = tensor.expand_shape %u1 {expand}", f"%e = tensor.empty({dims}) : {h}",
                    *pointwise("%y", f"{at} c", gates + [("%old", "%h", h, f"{at} c")], ("%e", h), [
                        "%ar = arith.addf %xr, %ur : f32", "%br = arith.negf %ar : f32", "%cr = math.exp %br : f32",
                        "%dr = arith.addf %cr, %one : f32", "%r = arith.divf %one, %dr : f32",
                        "%az = arith.addf %xz, %uz : f32", "%bz = arith.negf %az : f32", "%cz = math.exp %bz : f32",
                        "%dz = arith.addf %cz, %one : f32", "%z = arith.divf %one, %dz : f32",
                        "%gated = arith.mulf %r, %un : f32", "%an = arith.addf %xn, %gated : f32", "%n = math.tanh %an : f32",
                        "%rest = arith.subf %one, %z : f32", "%new = arith.mulf %rest, %n : f32",
                        "%kept = arith.mulf %z, %old : f32", "%next = arith.addf %new, %kept : f32"], "%next"),
                    f"return %y : {h}"]
    return (linear(name + ".input", rows, k, 3 * d) + linear(name + ".state", rows, d, 3 * d)
            + function(name, "h' = (1 - z) n + z h, n = tanh(W_n f + b_n + r (U_n h + c_n)); r, z = σ(W f + b + U h + c).",
                       {"%f": x, "%h": h}, h, body))


def valid():
    """Which rows of a padded batch there are."""
    row, lengths = over(2, of="i1"), tensor("?", of="i32")
    body = [f"%e = tensor.empty(%n0, %n1) : {row}",
            f"%v = linalg.generic {{indexing_maps = {maps('b t', 'b', 'b t')}, iterator_types = {parallel(2)}}}",
            f"    ins(%lengths : {lengths}) outs(%e : {row}) {{", "^bb0(%n: i32, %out: i1):", "  %j = linalg.index 1 : index",
            "  %i = arith.index_cast %j : index to i32", "  %in = arith.cmpi slt, %i, %n : i32", "  linalg.yield %in : i1",
            f"}} -> {row}", f"return %v : {row}"]
    return function("valid", "The rows of a padded batch that there are.", {"%lengths": lengths, "%n0": "index", "%n1": "index"}, row, body)
