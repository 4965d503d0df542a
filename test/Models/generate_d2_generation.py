"""Writes d2_generation.mlir: python generate_d2_generation.py > d2_generation.mlir

looped_lm's step over its cache (generate_looped_lm.py), and the loop that goes on with texts: stop, sampling (models.md D2, D3)."""
import re

from generate_looped_lm import ARGUMENTS, BLOCK, CACHE, READ_TYPE, RESULTS, head, read

BYTES, LOGITS, SUMS = "tensor<?xi32>", "tensor<?x256xf32>", "tensor<?xf32>"
ROW, ALONG, ACROSS = "affine_map<(b, i) -> (b)>", "affine_map<(b, i) -> (b, i)>", "affine_map<(b) -> (b)>"


def each(result, ins, out, body, over=("parallel",), maps=None, index={}):
    """linalg.generic over rows (b), or rows and what they hold (b, i). ins: {name: (operand, type)}; the body ends with `%r`;
    index: {dimension: name} of counters that it uses."""
    element = lambda type: re.search(r"(\w\d+)>$", type)[1]
    maps = maps or [ACROSS] * (len(ins) + 1)
    iterators = ", ".join(f'"{o}"' for o in over)
    arguments = ", ".join([f"%{name}: {element(type)}" for name, (_, type) in ins.items()] + [f"%so_far: {element(out[1])}"])
    counters = "".join(f"    %{name} = linalg.index {dim} : index\n" for dim, name in index.items())
    lines = "".join(f"    {line}\n" for line in body)
    return f"""  {result} = linalg.generic {{indexing_maps = [{", ".join(maps)}], iterator_types = [{iterators}]}}
      ins({", ".join(o for o, _ in ins.values())} : {", ".join(t for _, t in ins.values())}) outs({out[0]} : {out[1]}) {{
  ^bb0({arguments}):
{counters}{lines}    linalg.yield %r : {element(out[1])}
  }} -> {out[1]}
"""


ELEMENTS, SUM = ("parallel", "parallel"), ("parallel", "reduction")

CHOOSE = f"""
// The next byte of each row: logits over temperature, the top_k largest (equals of the last kept), of those the largest that hold
// top_p of the probability, and of those one by the generator's draw: the first, from the largest on, whose sum is above u.
func.func private @choose(%logits: {LOGITS}, %temperature: f32, %top_k: i32, %top_p: f32, %seed: i64, %at: index) -> {BYTES} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %none = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %low = arith.constant 8 : i32
  %unit = arith.constant {2.0 ** -24!r} : f32
  %b = tensor.dim %logits, %c0 : {LOGITS}
  %el = tensor.empty(%b) : {LOGITS}
  %ef = tensor.empty(%b) : {SUMS}
  %ei = tensor.empty(%b) : {BYTES}
  %zf = linalg.fill ins(%zero : f32) outs(%ef : {SUMS}) -> {SUMS}
  %zl = linalg.fill ins(%zero : f32) outs(%el : {LOGITS}) -> {LOGITS}
  %zi = linalg.fill ins(%none : i32) outs(%ei : {BYTES}) -> {BYTES}
""" + each("%scaled", {"x": ("%logits", LOGITS)}, ("%el", LOGITS), ["%r = arith.divf %x, %temperature : f32"], ELEMENTS, [ALONG] * 2) + f"""  %sorted, %order = attn.sort %scaled descending : {LOGITS} -> tensor<?x256xi32>
  %k_index = arith.index_cast %top_k : i32 to index
  %k_last = arith.subi %k_index, %c1 : index
  %least = tensor.extract_slice %sorted[0, %k_last] [%b, 1] [1, 1] : {LOGITS} to {SUMS}
  %most = tensor.extract_slice %sorted[0, 0] [%b, 1] [1, 1] : {LOGITS} to {SUMS}
""" + each("%weights", {"x": ("%sorted", LOGITS), "least_x": ("%least", SUMS), "most_x": ("%most", SUMS)}, ("%el", LOGITS),
           ["%kept = arith.cmpf oge, %x, %least_x : f32", "%d = arith.subf %x, %most_x : f32", "%e = math.exp %d : f32",
            "%r = arith.select %kept, %e, %zero : f32"], ELEMENTS, [ALONG, ROW, ROW, ALONG]) + \
    each("%total", {"w": ("%weights", LOGITS)}, ("%zf", SUMS), ["%r = arith.addf %so_far, %w : f32"], SUM, [ALONG, ROW]) + f"""  // The weights up to each, and it.
""" + each("%sums", {"w": ("%weights", LOGITS)}, ("%zl", LOGITS),
           ["%in = arith.cmpi ule, %j, %i : index", "%v = arith.select %in, %w, %zero : f32", "%r = arith.addf %so_far, %v : f32"],
           ("parallel", "parallel", "reduction"), ["affine_map<(b, i, j) -> (b, j)>", "affine_map<(b, i, j) -> (b, i)>"], {1: "i", 2: "j"}) + \
    each("%nucleus", {"w": ("%weights", LOGITS), "sum": ("%sums", LOGITS), "all": ("%total", SUMS)}, ("%el", LOGITS),
         ["%before = arith.subf %sum, %w : f32", "%bound = arith.mulf %top_p, %all : f32", "%kept = arith.cmpf olt, %before, %bound : f32",
          "%r = arith.select %kept, %w, %zero : f32"], ELEMENTS, [ALONG, ALONG, ROW, ALONG]) + \
    each("%mass", {"w": ("%nucleus", LOGITS)}, ("%zf", SUMS), ["%r = arith.addf %so_far, %w : f32"], SUM, [ALONG, ROW]) + \
    f"""  %bits = attn.random_bits seed(%seed) step(%at) sizes(%b) : {BYTES}
""" + each("%bound", {"word": ("%bits", BYTES), "all": ("%mass", SUMS)}, ("%ef", SUMS),
           ["%high = arith.shrui %word, %low : i32", "%whole = arith.uitofp %high : i32 to f32", "%u = arith.mulf %whole, %unit : f32",
            "%r = arith.mulf %u, %all : f32"]) + \
    f"""  // How many lie below the draw, at most all but one of those that are left.
""" + each("%below", {"w": ("%nucleus", LOGITS), "sum": ("%sums", LOGITS), "u": ("%bound", SUMS)}, ("%zi", BYTES),
           ["%lower = arith.cmpf ole, %sum, %u : f32", "%left = arith.cmpf ogt, %w, %zero : f32", "%both = arith.andi %lower, %left : i1",
            "%n = arith.extui %both : i1 to i32", "%r = arith.addi %so_far, %n : i32"], SUM, [ALONG, ALONG, ROW, ROW]) + \
    each("%left", {"w": ("%nucleus", LOGITS)}, ("%zi", BYTES),
         ["%in = arith.cmpf ogt, %w, %zero : f32", "%n = arith.extui %in : i1 to i32", "%r = arith.addi %so_far, %n : i32"], SUM, [ALONG, ROW]) + \
    each("%chosen", {"byte": ("%order", "tensor<?x256xi32>"), "n": ("%below", BYTES), "all": ("%left", BYTES)}, ("%zi", BYTES),
         ["%last = arith.subi %all, %one : i32", "%place = arith.minsi %n, %last : i32", "%here = arith.index_cast %i : index to i32",
          "%it = arith.cmpi eq, %here, %place : i32", "%v = arith.select %it, %byte, %none : i32", "%r = arith.addi %so_far, %v : i32"],
         SUM, [ALONG, ROW, ROW, ROW], {1: "i"}) + f"""  return %chosen : {BYTES}
}}
"""

TEXT, ROWS = "tensor<?x?xi32>", "tensor<?xi1>"
MAIN = f"""
// Goes on with texts: row b of `text` begins with given[b] bytes (1 or more), up to N bytes or the first byte `stop` that it makes. What
// lies behind the end is 0, and a row that has ended is not computed. depths: how many loops read each byte, 0 where none did.
func.func @main(%text: {TEXT} {{attnc.name = "text", attnc.dims = ["B", "N"]}}, %given: {BYTES} {{attnc.name = "given", attnc.dims = ["B"]}},
                %q: f32 {{attnc.name = "q"}}, %stop: i32 {{attnc.name = "stop"}}, %temperature: f32 {{attnc.name = "temperature"}},
                %top_k: i32 {{attnc.name = "top_k"}}, %top_p: f32 {{attnc.name = "top_p"}}, %seed: i64 {{attnc.name = "seed"}},
                {ARGUMENTS})
    -> ({TEXT} {{attnc.name = "continued", attnc.dims = ["B", "N"]}}, {TEXT} {{attnc.name = "depths", attnc.dims = ["B", "N"]}},
        {BYTES} {{attnc.name = "length", attnc.dims = ["B"]}}, {RESULTS}) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %none = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %false = arith.constant false
  %true = arith.constant true
  %b = tensor.dim %text, %c0 : {TEXT}
  %most = tensor.dim %text, %c1 : {TEXT}
  %et = tensor.empty(%b, %most) : {TEXT}
  %eb = tensor.empty(%b) : {BYTES}
  %er = tensor.empty(%b) : {ROWS}
  %unread = linalg.fill ins(%none : i32) outs(%et : {TEXT}) -> {TEXT}
  %first = linalg.fill ins(%one : i32) outs(%eb : {BYTES}) -> {BYTES}
  %everyone = linalg.fill ins(%true : i1) outs(%er : {ROWS}) -> {ROWS}
""" + each("%begin", {"byte": ("%text", TEXT), "n": ("%given", BYTES)}, ("%et", TEXT),
           ["%here = arith.index_cast %i : index to i32", "%in = arith.cmpi slt, %here, %n : i32", "%r = arith.select %in, %byte, %none : i32"],
           ELEMENTS, [ALONG, ROW, ALONG], {1: "i"}) + f"""  %states:8 = scf.while (%p = %c0, %t = %begin, %d = %unread, %length = %first, %runs = %everyone, %kp = %k, %vp = %v, %n = %count)
      : (index, {TEXT}, {TEXT}, {BYTES}, {ROWS}, {CACHE}, {CACHE}, tensor<i32>) -> (index, {TEXT}, {TEXT}, {BYTES}, {ROWS}, {CACHE}, {CACHE}, tensor<i32>) {{
    %e0 = tensor.empty() : tensor<i1>
    %z0 = linalg.fill ins(%false : i1) outs(%e0 : tensor<i1>) -> tensor<i1>
""" + each("%some", {"on": ("%runs", ROWS)}, ("%z0", "tensor<i1>"), ["%r = arith.ori %so_far, %on : i1"], ("reduction",), [ACROSS, "affine_map<(b) -> ()>"]) + f"""    %any = tensor.extract %some[] : tensor<i1>
    %next = arith.addi %p, %c1 : index
    %room = arith.cmpi slt, %next, %most : index
    %go = arith.andi %any, %room : i1
    scf.condition(%go) %p, %t, %d, %length, %runs, %kp, %vp, %n : index, {TEXT}, {TEXT}, {BYTES}, {ROWS}, {CACHE}, {CACHE}, tensor<i32>
  }} do {{
  ^bb0(%p: index, %t: {TEXT}, %d: {TEXT}, %length: {BYTES}, %runs: {ROWS}, %kp: {CACHE}, %vp: {CACHE}, %n: tensor<i32>):
    %next = arith.addi %p, %c1 : index
    %after = arith.index_cast %next : index to i32
    %behind = arith.addi %after, %one : i32
    %token = tensor.extract_slice %t[0, %p] [%b, 1] [1, 1] : {TEXT} to {BYTES}
    %logits, %steps, %kn, %vn, %nn = func.call @read(%token, %runs, %q, %kp, %vp, %n) : {READ_TYPE}
    %dn = tensor.insert_slice %steps into %d[0, %p] [%b, 1] [1, 1] : {BYTES} into {TEXT}
    %chosen = func.call @choose(%logits, %temperature, %top_k, %top_p, %seed, %next) : ({LOGITS}, f32, i32, f32, i64, index) -> {BYTES}
    %old = tensor.extract_slice %t[0, %next] [%b, 1] [1, 1] : {TEXT} to {BYTES}
    %e1 = tensor.empty(%b) : {BYTES}
    %e2 = tensor.empty(%b) : {ROWS}
""" + each("%new", {"on": ("%runs", ROWS), "known": ("%given", BYTES), "was": ("%old", BYTES), "made": ("%chosen", BYTES)}, ("%e1", BYTES),
           ["%read = arith.cmpi slt, %after, %known : i32", "%byte = arith.select %read, %was, %made : i32", "%r = arith.select %on, %byte, %none : i32"]) + \
    each("%lengths", {"on": ("%runs", ROWS), "l": ("%length", BYTES)}, ("%e1", BYTES), ["%r = arith.select %on, %behind, %l : i32"]) + \
    each("%run_on", {"on": ("%runs", ROWS), "known": ("%given", BYTES), "byte": ("%new", BYTES)}, ("%e2", ROWS),
         ["%read = arith.cmpi slt, %after, %known : i32", "%other = arith.cmpi ne, %byte, %stop : i32", "%more = arith.ori %read, %other : i1",
          "%r = arith.andi %on, %more : i1"]) + f"""    %tn = tensor.insert_slice %new into %t[0, %next] [%b, 1] [1, 1] : {BYTES} into {TEXT}
    scf.yield %next, %tn, %dn, %lengths, %run_on, %kn, %vn, %nn : index, {TEXT}, {TEXT}, {BYTES}, {ROWS}, {CACHE}, {CACHE}, tensor<i32>
  }}
  return %states#1, %states#2, %states#3, %states#5, %states#6, %states#7 : {TEXT}, {TEXT}, {BYTES}, {CACHE}, {CACHE}, tensor<i32>
}}
"""

print(head() + BLOCK + read() + CHOOSE + MAIN, end="")
