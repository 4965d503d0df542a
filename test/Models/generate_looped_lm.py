"""Writes looped_lm.mlir: python generate_looped_lm.py > looped_lm.mlir

Four blocks are alike but for the names of their weights, two entries differ in what exited tokens show to the others, and
decode has the same blocks over a cache, so the text is made rather than written."""

LAYERS, D, HEADS, WIDTH, FFN = 4, 384, 6, 64, 352
WEIGHTS = {"norm1.weight": [D], "attention.qkv.weight": [3 * D, D], "attention.out.weight": [D, D], "norm2.weight": [D],
           "ffn.gate.weight": [FFN, D], "ffn.up.weight": [FFN, D], "ffn.down.weight": [D, FFN]}
STATE, KV, ROWS = "!state", "!kv", "tensor<?x?xi1>"


def tensor(shape):
    return "tensor<" + "x".join(map(str, shape)) + "xf32>"


def weight(name, shape):
    return f'ml_program.global private @"{name}"(#ml_program.extern : {tensor(shape)}) : {tensor(shape)}'


HEADER = f"""// looped_lm: four blocks looped up to six times, with an exit gate per token (models.md A9).
// Made by generate_looped_lm.py.
#x = affine_map<(b, t, n, k) -> (b, t, k)>
#w = affine_map<(b, t, n, k) -> (n, k)>
#y = affine_map<(b, t, n, k) -> (b, t, n)>
#all = affine_map<(b, t, c) -> (b, t, c)>
!state = tensor<?x?x{D}xf32>
!kv = tensor<?x?x{HEADS}x{WIDTH}xf32>
!note = tensor<?x6x{LAYERS}x{HEADS}x{WIDTH}xf32>
!cache = tensor<6x{LAYERS}x?x?x{HEADS}x{WIDTH}xf32>
"""

BLOCK = f"""
// Rows that run bring new keys and values; those that stopped keep theirs.
func.func private @keep(%running: {ROWS}, %new: {KV}, %kept: {KV}) -> {KV} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %new, %c0 : {KV}
  %t = tensor.dim %new, %c1 : {KV}
  %e = tensor.empty(%b, %t) : {KV}
  %r = linalg.generic {{indexing_maps = [affine_map<(b, t, h, c) -> (b, t)>, affine_map<(b, t, h, c) -> (b, t, h, c)>, affine_map<(b, t, h, c) -> (b, t, h, c)>, affine_map<(b, t, h, c) -> (b, t, h, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}} ins(%running, %new, %kept : {ROWS}, {KV}, {KV}) outs(%e : {KV}) {{
  ^bb0(%on: i1, %n: f32, %k: f32, %out: f32):
    %s = arith.select %on, %n, %k : f32
    linalg.yield %s : f32
  }} -> {KV}
  return %r : {KV}
}}

// x W^T for x [B, T, {D}].
func.func private @project(%x: {STATE}, %w: {tensor([D, D])}) -> {STATE} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : {STATE}
  %t = tensor.dim %x, %c1 : {STATE}
  %e = tensor.empty(%b, %t) : {STATE}
  %f = linalg.fill ins(%zero : f32) outs(%e : {STATE}) -> {STATE}
  %y = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : {STATE}, {tensor([D, D])}) outs(%f : {STATE}) -> {STATE}
  return %y : {STATE}
}}

// Queries and keys, rotated from position `at` on, and values.
func.func private @qkv(%h: {STATE}, %at: index, %norm: {tensor([D])}, %w: {tensor([3 * D, D])}) -> ({KV}, {KV}, {KV}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %h, %c0 : {STATE}
  %t = tensor.dim %h, %c1 : {STATE}
  %n = attn.rms_norm %h weight(%norm : {tensor([D])}) eps(1.0e-6) : {STATE}
  %e = tensor.empty(%b, %t) : {tensor(["?", "?", 3 * D])}
  %f = linalg.fill ins(%zero : f32) outs(%e : {tensor(["?", "?", 3 * D])}) -> {tensor(["?", "?", 3 * D])}
  %p = linalg.contract indexing_maps = [#x, #w, #y] ins(%n, %w : {STATE}, {tensor([3 * D, D])}) outs(%f : {tensor(["?", "?", 3 * D])}) -> {tensor(["?", "?", 3 * D])}
  %s = tensor.expand_shape %p [[0], [1], [2, 3, 4]] output_shape [%b, %t, 3, {HEADS}, {WIDTH}] : {tensor(["?", "?", 3 * D])} into {tensor(["?", "?", 3, HEADS, WIDTH])}
""" + "".join(f"""  %{x} = tensor.extract_slice %s[0, 0, {i}, 0, 0] [%b, %t, 1, {HEADS}, {WIDTH}] [1, 1, 1, 1, 1] : {tensor(["?", "?", 3, HEADS, WIDTH])} to {KV}
""" for i, x in enumerate("qkv")) + f"""  %rq = attn.rotary half_split %q along [1] offset(%at) base(1.0e4) : {KV}
  %rk = attn.rotary half_split %k along [1] offset(%at) base(1.0e4) : {KV}
  return %rq, %rk, %v : {KV}, {KV}, {KV}
}}

// Attention to the past and itself, in one sequence.
func.func private @causal(%q: {KV}, %k: {KV}, %v: {KV}) -> {KV} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %q, %c0 : {KV}
  %t = tensor.dim %q, %c1 : {KV}
  %e = tensor.empty(%b, %t) : {KV}
  %heads = attn.attention softmax scale({WIDTH ** -0.5})
      query %q[b, i, g, d] : {KV}
      source %k[b, j, g, d], %v[b, j, g, v] : {KV}, {KV}
      into %e[b, i, g, v] : {KV}
      mask(%bi, %hi, %i, %j, %n) {{
        %past = arith.cmpi sle, %j, %i : index
        attn.yield %past : i1
      }}
  return %heads : {KV}
}}

// h + the heads, projected, then + the SwiGLU feed-forward.
func.func private @rest(%h: {STATE}, %heads: {KV}, %wo: {tensor([D, D])}, %norm: {tensor([D])}, %wg: {tensor([FFN, D])}, %wu: {tensor([FFN, D])}, %wd: {tensor([D, FFN])}) -> {STATE} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %h, %c0 : {STATE}
  %t = tensor.dim %h, %c1 : {STATE}
  %a = tensor.collapse_shape %heads [[0], [1], [2, 3]] : {KV} into {STATE}
  %o = func.call @project(%a, %wo) : ({STATE}, {tensor([D, D])}) -> {STATE}
  %e = tensor.empty(%b, %t) : {STATE}
  %h1 = linalg.add ins(%h, %o : {STATE}, {STATE}) outs(%e : {STATE}) -> {STATE}
  %n2 = attn.rms_norm %h1 weight(%norm : {tensor([D])}) eps(1.0e-6) : {STATE}
  %ef = tensor.empty(%b, %t) : !ffn
  %zf = linalg.fill ins(%zero : f32) outs(%ef : !ffn) -> !ffn
  %g = linalg.contract indexing_maps = [#x, #w, #y] ins(%n2, %wg : {STATE}, {tensor([FFN, D])}) outs(%zf : !ffn) -> !ffn
  %u = linalg.contract indexing_maps = [#x, #w, #y] ins(%n2, %wu : {STATE}, {tensor([FFN, D])}) outs(%zf : !ffn) -> !ffn
  %s = linalg.generic {{indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]}} ins(%g, %u : !ffn, !ffn) outs(%ef : !ffn) {{
  ^bb0(%gate: f32, %up: f32, %out: f32):
    %m = arith.negf %gate : f32
    %x = math.exp %m : f32
    %d = arith.addf %x, %one : f32
    %sig = arith.divf %gate, %d : f32
    %r = arith.mulf %sig, %up : f32
    linalg.yield %r : f32
  }} -> !ffn
  %z = linalg.fill ins(%zero : f32) outs(%e : {STATE}) -> {STATE}
  %d1 = linalg.contract indexing_maps = [#x, #w, #y] ins(%s, %wd : !ffn, {tensor([D, FFN])}) outs(%z : {STATE}) -> {STATE}
  %h2 = linalg.add ins(%h1, %d1 : {STATE}, {STATE}) outs(%e : {STATE}) -> {STATE}
  return %h2 : {STATE}
}}

// lambda = sigmoid(h w + b): the probability to exit after this loop.
func.func private @gate(%h: {STATE}) -> tensor<?x?xf32> {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %b = tensor.dim %h, %c0 : {STATE}
  %t = tensor.dim %h, %c1 : {STATE}
  %w1 = ml_program.global_load_const @"exit.weight" : {tensor([1, D])}
  %w = tensor.collapse_shape %w1 [[0, 1]] : {tensor([1, D])} into {tensor([D])}
  %bias = ml_program.global_load_const @"exit.bias" : tensor<1xf32>
  %e = tensor.empty(%b, %t) : tensor<?x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?xf32>) -> tensor<?x?xf32>
  %s = linalg.contract indexing_maps = [affine_map<(b, t, k) -> (b, t, k)>, affine_map<(b, t, k) -> (k)>, affine_map<(b, t, k) -> (b, t)>] ins(%h, %w : {STATE}, {tensor([D])}) outs(%f : tensor<?x?xf32>) -> tensor<?x?xf32>
  %p = linalg.generic {{indexing_maps = [affine_map<(b, t) -> (b, t)>, affine_map<(b, t) -> (0)>, affine_map<(b, t) -> (b, t)>], iterator_types = ["parallel", "parallel"]}}
      ins(%s, %bias : tensor<?x?xf32>, tensor<1xf32>) outs(%e : tensor<?x?xf32>) {{
  ^bb0(%a: f32, %c: f32, %out: f32):
    %z = arith.addf %a, %c : f32
    %n = arith.negf %z : f32
    %x = math.exp %n : f32
    %d = arith.addf %x, %one : f32
    %r = arith.divf %one, %d : f32
    linalg.yield %r : f32
  }} -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}}
"""


def loads(l):
    return [f'    %w{l}_{i} = ml_program.global_load_const @"blocks.{l}.{name}" : {tensor(shape)}' for i, (name, shape) in enumerate(WEIGHTS.items())]


def project(l, h, at, results):
    return f"    {results} = func.call @qkv({h}, {at}, %w{l}_0, %w{l}_1) : ({STATE}, index, {tensor([D])}, {tensor([3 * D, D])}) -> ({KV}, {KV}, {KV})"


def rest(l, h, heads):
    types = ", ".join([STATE, KV] + [tensor(s) for s in list(WEIGHTS.values())[2:]])
    return f"    %h{l + 1} = func.call @rest({h}, {heads}, " + ", ".join(f"%w{l}_{i}" for i in range(2, 7)) + f") : ({types}) -> {STATE}"


def layer(l, h, latest):
    """Block l on value h inside the loop's body; returns its text and the names of h, keys and values behind it."""
    text = loads(l) + [project(l, h, "%c0", f"%q{l}, %n{l}, %m{l}")]
    k, v = f"%n{l}", f"%m{l}"
    if latest:
        text += [f"    %{x}n{l} = func.call @keep(%running, {new}, %{x}{l}) : ({ROWS}, {KV}, {KV}) -> {KV}" for x, new in (("k", k), ("v", v))]
        k, v = f"%kn{l}", f"%vn{l}"
    text.append(f"    %heads{l} = func.call @causal(%q{l}, {k}, {v}) : ({KV}, {KV}, {KV}) -> {KV}")
    return text + [rest(l, h, f"%heads{l}")], f"%h{l + 1}", [k, v]


def entry(name, comment, latest):
    kv = [f"%{x}{l}" for l in range(LAYERS) for x in "kv"] if latest else []
    carried = ["frozen %h0 = %e0 : !state"] + [f"frozen {x} = %none : !kv" for x in kv]
    if not latest:
        carried = ["free %h0 = %e0 : !state", "frozen %exit = %e0 : !state"]
    body, h, news = [], "%h0", []
    for l in range(LAYERS):
        text, h, pair = layer(l, h, latest)
        body += text
        news += pair
    body.append(f'    %norm = ml_program.global_load_const @"norm.weight" : {tensor([D])}')
    body.append(f"    %hn = attn.rms_norm {h} weight(%norm : {tensor([D])}) eps(1.0e-6) : {STATE}")
    body.append(f"    %lambda = func.call @gate(%hn) : ({STATE}) -> tensor<?x?xf32>")
    yields = ["%hn"] + (news if latest else ["%hn"])
    types = [STATE] + [KV] * len(news) if latest else [STATE, STATE]
    body.append(f"    loop.yield {', '.join(yields)} score(%lambda : tensor<?x?xf32>) : {', '.join(types)}")
    results = (["%state"] + [f"%last{i}" for i in range(len(kv))] if latest else ["%running_state", "%state"]) + ["%steps"]
    return f"""
// {comment}
func.func @{name}(%tokens: tensor<?x?xi32> {{attnc.name = "tokens", attnc.dims = ["B", "T"]}}, %q: f32 {{attnc.name = "q"}})
    -> (tensor<?x?x256xf32> {{attnc.name = "logits", attnc.dims = ["B", "T"]}}, tensor<?x?xi32> {{attnc.name = "steps", attnc.dims = ["B", "T"]}}, {STATE} {{attnc.name = "state", attnc.dims = ["B", "T"]}}) {{
  %loops = arith.constant 6 : index
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %true = arith.constant true
  %b = tensor.dim %tokens, %c0 : tensor<?x?xi32>
  %t = tensor.dim %tokens, %c1 : tensor<?x?xi32>
  %table = ml_program.global_load_const @"embed.weight" : {tensor([256, D])}
  %e0 = attn.gather_rows %table[%tokens] : {tensor([256, D])}, tensor<?x?xi32> -> {STATE}
  %er = tensor.empty(%b, %t) : {ROWS}
  %everyone = linalg.fill ins(%true : i1) outs(%er : {ROWS}) -> {ROWS}
  %ek = tensor.empty(%b, %t) : {KV}
  %none = linalg.fill ins(%zero : f32) outs(%ek : {KV}) -> {KV}
  {", ".join(results)} = loop.adaptive geometric threshold(%q) active(%running = %everyone : {ROWS}) cap(%loops) step(%u)
      carry({", ".join(carried)}) {{
{chr(10).join(body)}
  }}
  %head = ml_program.global_load_const @"head.weight" : {tensor([256, D])}
  %el = tensor.empty(%b, %t) : tensor<?x?x256xf32>
  %zl = linalg.fill ins(%zero : f32) outs(%el : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  %logits = linalg.contract indexing_maps = [#x, #w, #y] ins(%state, %head : {STATE}, {tensor([256, D])}) outs(%zl : tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
  return %logits, %steps, %state : tensor<?x?x256xf32>, tensor<?x?xi32>, {STATE}
}}
"""


NOTE, CACHE = "!note", "!cache"
DECODE = f"""
// A token's keys (or values) at every step and layer: what layer l computes at a step holds for this step and all later ones.
func.func private @note(%notes: {NOTE}, %new: {KV}, %step: index, %l: index) -> {NOTE} {{
  %r = linalg.generic {{indexing_maps = [affine_map<(b, u, l, h, c) -> (b, 0, h, c)>, affine_map<(b, u, l, h, c) -> (b, u, l, h, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}} ins(%new : {KV}) outs(%notes : {NOTE}) {{
  ^bb0(%n: f32, %old: f32):
    %u = linalg.index 1 : index
    %m = linalg.index 2 : index
    %later = arith.cmpi uge, %u, %step : index
    %here = arith.cmpi eq, %m, %l : index
    %both = arith.andi %later, %here : i1
    %s = arith.select %both, %n, %old : f32
    linalg.yield %s : f32
  }} -> {NOTE}
  return %r : {NOTE}
}}

// The cache with one more token.
func.func private @append(%notes: {NOTE}, %cache: {CACHE}, %count: index) -> {CACHE} {{
  %c0 = arith.constant 0 : index
  %b = tensor.dim %notes, %c0 : {NOTE}
  %e = tensor.empty(%b) : tensor<6x4x?x6x64xf32>
  %t = linalg.transpose ins(%notes : {NOTE}) outs(%e : tensor<6x4x?x6x64xf32>) permutation = [1, 2, 0, 3, 4]
  %row = tensor.expand_shape %t [[0], [1], [2, 3], [4], [5]] output_shape [6, 4, %b, 1, 6, 64] : tensor<6x4x?x6x64xf32> into tensor<6x4x?x1x6x64xf32>
  %r = attn.ring_append %row into %cache along 3 count(%count) : tensor<6x4x?x1x6x64xf32>, {CACHE}
  return %r : {CACHE}
}}
"""


def cached_layer(l):
    """Block l for one token: it sees what the past tokens show at this step, and itself."""
    of_step = f"[%u0, {l}, 0, 0, 0, 0] [1, 1, %b, %capacity, {HEADS}, {WIDTH}] [1, 1, 1, 1, 1, 1] : {CACHE} to {KV}"
    return loads(l) + [project(l, f"%h{l}", "%at", f"%q{l}, %kn{l}, %vn{l}"), f"""    %kp{l} = tensor.extract_slice %k{of_step}
    %vp{l} = tensor.extract_slice %v{of_step}
    %l{l} = arith.constant {l} : index
    %ks{l + 1} = func.call @note(%ks{l}, %kn{l}, %u0, %l{l}) : ({NOTE}, {KV}, index, index) -> {NOTE}
    %vs{l + 1} = func.call @note(%vs{l}, %vn{l}, %u0, %l{l}) : ({NOTE}, {KV}, index, index) -> {NOTE}
    %eh{l} = tensor.empty(%b, %c1) : {KV}
    %heads{l} = attn.attention softmax scale({WIDTH ** -0.5})
        query %q{l}[b, i, g, d] : {KV}
        source %kp{l}[b, j, g, d], %vp{l}[b, j, g, v] : {KV}, {KV} valid %held
        source %kn{l}[b, j, g, d], %vn{l}[b, j, g, v] : {KV}, {KV}
        into %eh{l}[b, i, g, v] : {KV}""", rest(l, f"%h{l}", f"%heads{l}")]


STATES = 'attnc.dims = ["B", "capacity C"], attnc.ring = {along = 3, count = "count"}'
ARGUMENTS = f"""%k: {CACHE} {{attnc.state = "k", {STATES}}}, %v: {CACHE} {{attnc.state = "v", {STATES}}}, %count: tensor<i32> {{attnc.state = "count"}}"""
RESULTS = f"""{CACHE} {{attnc.state = "k"}}, {CACHE} {{attnc.state = "v"}}, tensor<i32> {{attnc.state = "count"}}"""
READ_TYPE = f"(tensor<?xi32>, tensor<?xi1>, f32, {CACHE}, {CACHE}, tensor<i32>) -> (tensor<?x256xf32>, tensor<?xi32>, {CACHE}, {CACHE}, tensor<i32>)"


def read():
    body = [line for l in range(LAYERS) for line in cached_layer(l)]
    return DECODE + f"""
// One token of each sequence that runs, policy `latest`. The cache holds, for each step and layer, the keys and values that a token
// shows to others: those of its last loop from there on. When it is full, the oldest token is forgotten.
func.func private @read(%token: tensor<?xi32>, %runs: tensor<?xi1>, %q: f32, %k: {CACHE}, %v: {CACHE}, %count: tensor<i32>)
    -> (tensor<?x256xf32>, tensor<?xi32>, {CACHE}, {CACHE}, tensor<i32>) {{
  %loops = arith.constant 6 : index
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %token, %c0 : tensor<?xi32>
  %capacity = tensor.dim %k, %c3 : {CACHE}
  %at_i32 = tensor.extract %count[] : tensor<i32>
  %at = arith.index_cast %at_i32 : i32 to index
  %held = arith.minui %at, %capacity : index
  %table = ml_program.global_load_const @"embed.weight" : {tensor([256, D])}
  %e = attn.gather_rows %table[%token] : {tensor([256, D])}, tensor<?xi32> -> {tensor(["?", D])}
  %e1 = tensor.expand_shape %e [[0, 1], [2]] output_shape [%b, 1, {D}] : {tensor(["?", D])} into {tensor(["?", 1, D])}
  %en = tensor.empty(%b) : {NOTE}
  %none = linalg.fill ins(%zero : f32) outs(%en : {NOTE}) -> {NOTE}
  %last, %ks, %vs, %steps = loop.adaptive geometric threshold(%q) active(%running = %runs : tensor<?xi1>) cap(%loops) step(%u)
      carry(frozen %h = %e1 : {tensor(["?", 1, D])}, frozen %ks0 = %none : {NOTE}, frozen %vs0 = %none : {NOTE}) {{
    %u0 = arith.subi %u, %c1 : index
    %h0 = tensor.cast %h : {tensor(["?", 1, D])} to {STATE}
{chr(10).join(body)}
    %norm = ml_program.global_load_const @"norm.weight" : {tensor([D])}
    %hn = attn.rms_norm %h{LAYERS} weight(%norm : {tensor([D])}) eps(1.0e-6) : {STATE}
    %lambda = func.call @gate(%hn) : ({STATE}) -> tensor<?x?xf32>
    %hn1 = tensor.cast %hn : {STATE} to {tensor(["?", 1, D])}
    %lambda1 = tensor.cast %lambda : tensor<?x?xf32> to tensor<?x1xf32>
    %score = tensor.collapse_shape %lambda1 [[0, 1]] : tensor<?x1xf32> into tensor<?xf32>
    loop.yield %hn1, %ks{LAYERS}, %vs{LAYERS} score(%score : tensor<?xf32>) : {tensor(["?", 1, D])}, {NOTE}, {NOTE}
  }}
  %k_end = func.call @append(%ks, %k, %at) : ({NOTE}, {CACHE}, index) -> {CACHE}
  %v_end = func.call @append(%vs, %v, %at) : ({NOTE}, {CACHE}, index) -> {CACHE}
  %seen = arith.addi %at, %c1 : index
  %seen_i32 = arith.index_cast %seen : index to i32
  %count_end = tensor.insert %seen_i32 into %count[] : tensor<i32>
  %state = tensor.collapse_shape %last [[0, 1], [2]] : {tensor(["?", 1, D])} into {tensor(["?", D])}
  %head = ml_program.global_load_const @"head.weight" : {tensor([256, D])}
  %el = tensor.empty(%b) : tensor<?x256xf32>
  %zl = linalg.fill ins(%zero : f32) outs(%el : tensor<?x256xf32>) -> tensor<?x256xf32>
  %logits = linalg.contract indexing_maps = [affine_map<(b, n, k) -> (b, k)>, affine_map<(b, n, k) -> (n, k)>, affine_map<(b, n, k) -> (b, n)>] ins(%state, %head : {tensor(["?", D])}, {tensor([256, D])}) outs(%zl : tensor<?x256xf32>) -> tensor<?x256xf32>
  return %logits, %steps, %k_end, %v_end, %count_end : tensor<?x256xf32>, tensor<?xi32>, {CACHE}, {CACHE}, tensor<i32>
}}
"""


def decode():
    return f"""
// One token of each sequence.
func.func @decode(%token: tensor<?xi32> {{attnc.name = "token", attnc.dims = ["B"]}}, %q: f32 {{attnc.name = "q"}},
                  {ARGUMENTS})
    -> (tensor<?x256xf32> {{attnc.name = "logits", attnc.dims = ["B"]}}, tensor<?xi32> {{attnc.name = "steps", attnc.dims = ["B"]}},
        {RESULTS}) {{
  %c0 = arith.constant 0 : index
  %true = arith.constant true
  %b = tensor.dim %token, %c0 : tensor<?xi32>
  %er = tensor.empty(%b) : tensor<?xi1>
  %everyone = linalg.fill ins(%true : i1) outs(%er : tensor<?xi1>) -> tensor<?xi1>
  %logits, %steps, %k_end, %v_end, %count_end = func.call @read(%token, %everyone, %q, %k, %v, %count) : {READ_TYPE}
  return %logits, %steps, %k_end, %v_end, %count_end : tensor<?x256xf32>, tensor<?xi32>, {CACHE}, {CACHE}, tensor<i32>
}}
"""


def head():
    """Types and weights."""
    names = {"embed.weight": [256, D], "head.weight": [256, D], "norm.weight": [D], "exit.weight": [1, D], "exit.bias": [1]}
    names |= {f"blocks.{l}.{name}": shape for l in range(LAYERS) for name, shape in WEIGHTS.items()}
    return HEADER + f"!ffn = tensor<?x?x{FFN}xf32>\n\n" + "\n".join(weight(name, shape) for name, shape in names.items()) + "\n"


def main():
    print(head() + BLOCK, end="")
    print(entry("main", "Policy `latest`: an exited token's keys and values, in every layer, stay those of its last loop.", True), end="")
    print(entry("main_policy_all", "Policy `all`: exited tokens go on being transformed, only the prediction is fixed.", False), end="")
    print(read() + decode(), end="")


if __name__ == "__main__":
    main()
