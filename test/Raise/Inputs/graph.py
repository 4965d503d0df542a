"""Plain graphs as front ends leave them: one linalg or tensor op for each op of the model, as MLIR text.

A Graph has inputs and ops; every method adds an op and returns its tensor. Sizes are numbers or names ("T"); equal
names are equal sizes. Nothing here is clever: that is what the tests of raise are about.
"""
import math

INF = "0xFF800000"  # -inf in f32


class Tensor:
    def __init__(self, name, shape, element):
        self.name, self.shape, self.element = name, list(shape), element

    @property
    def type(self):
        return tensor_type(self.shape, self.element)


def tensor_type(shape, element):
    return "tensor<" + "".join(f"{'?' if isinstance(s, str) else s}x" for s in shape) + element + ">"


def number(x):
    if x == -math.inf:
        return INF
    return f"{x:.9e}"


class Graph:
    def __init__(self, **inputs):
        """inputs: name = (shape, element)."""
        self.lines, self.count, self.sizes, self.inputs = [], 0, {}, {}
        for name, (shape, element) in inputs.items():
            self.inputs[name] = Tensor(f"%{name}", shape, element)
        for tensor in list(self.inputs.values()):
            for at, size in enumerate(tensor.shape):
                if isinstance(size, str) and size not in self.sizes:
                    self.sizes[size] = self.emit(f"tensor.dim {tensor.name}, {self.index(at)} : {tensor.type}")

    def __getitem__(self, name):
        return self.inputs[name]

    def emit(self, text):
        self.count += 1
        self.lines.append(f"%{self.count} = {text}")
        return f"%{self.count}"

    def index(self, n):
        return self.emit(f"arith.constant {n} : index")

    def scalar(self, value, element="f32"):
        text = number(value) if element.startswith("f") else str(value)
        return self.emit(f"arith.constant {text} : {element}")

    def empty(self, shape, element="f32"):
        sizes = ", ".join(self.sizes[s] for s in shape if isinstance(s, str))
        return Tensor(self.emit(f"tensor.empty({sizes}) : {tensor_type(shape, element)}"), shape, element)

    def full(self, shape, value, element="f32"):
        into = self.empty(shape, element)
        name = self.emit(f"linalg.fill ins({self.scalar(value, element)} : {element}) outs({into.name} : {into.type}) -> {into.type}")
        return Tensor(name, shape, element)

    def generic(self, maps, kinds, inputs, init, body):
        """maps: index lists such as "d0, d2"; body: lines on %a0, %a1, …, the last of them `yield %x`."""
        dims = ", ".join(f"d{i}" for i in range(len(kinds)))
        text = ", ".join(f"affine_map<({dims}) -> ({m})>" for m in maps)
        iterators = ", ".join('"parallel"' if k == "p" else '"reduction"' for k in kinds)
        ins = f"ins({', '.join(t.name for t in inputs)} : {', '.join(t.type for t in inputs)}) " if inputs else ""
        arguments = ", ".join(f"%a{n} : {t.element}" for n, t in enumerate([*inputs, init]))
        *code, last = body
        lines = "\n".join([*code, f"linalg.yield {last.removeprefix('yield ')} : {init.element}"])
        return Tensor(self.emit(f"linalg.generic {{indexing_maps = [{text}], iterator_types = [{iterators}]}} {ins}"
                                f"outs({init.name} : {init.type}) {{\n^bb0({arguments}):\n{lines}\n}} -> {init.type}"), init.shape, init.element)

    def map(self, inputs, body, element="f32", shape=None):
        """Elementwise over the broadcast of the inputs' shapes (as NumPy does)."""
        rank = max(len(t.shape) for t in inputs) if inputs else len(shape)
        if shape is None:
            shape = [1] * rank
            for tensor in inputs:
                for back, size in enumerate(reversed(tensor.shape), 1):
                    if size != 1:
                        shape[-back] = size
        maps = []
        for tensor in inputs:
            first = rank - len(tensor.shape)
            maps.append(", ".join("0" if s == 1 and shape[first + d] != 1 else f"d{first + d}" for d, s in enumerate(tensor.shape)))
        maps.append(", ".join(f"d{d}" for d in range(rank)))
        return self.generic(maps, "p" * rank, inputs, self.empty(shape, element), body)

    def binary(self, op, a, b, element=None):
        element = element or a.element
        return self.map([a, b], [f"%r = {op} %a0, %a1 : {a.element}", "yield %r"], element)

    def unary(self, op, a):
        return self.map([a], [f"%r = {op} %a0 : {a.element}", "yield %r"], a.element)

    def with_number(self, op, a, value):
        c = self.scalar(value, a.element)
        return self.map([a], [f"%r = {op} %a0, {c} : {a.element}", "yield %r"], a.element)

    def where(self, condition, a, b):
        return self.map([condition, a, b], [f"%r = arith.select %a0, %a1, %a2 : {a.element}", "yield %r"], a.element)

    def arange(self, size, start=None):
        """i64 from `start` (an index value) or 0."""
        add = [f"%s = arith.addi %i, {start} : index"] if start else ["%z = arith.constant 0 : index", "%s = arith.addi %i, %z : index"]
        return self.map([], ["%i = linalg.index 0 : index", *add, "%r = arith.index_cast %s : index to i64", "yield %r"], "i64", [size])

    def compare(self, predicate, a, b):
        return self.map([a, b], [f"%r = arith.cmpi {predicate}, %a0, %a1 : {a.element}", "yield %r"], "i1")

    def reduce(self, op, a, dim, init, keep=True):
        """Over one dimension; kept as 1 by an expand_shape, as front ends do."""
        dim %= len(a.shape)
        shape = [s for d, s in enumerate(a.shape) if d != dim]
        kinds = "".join("r" if d == dim else "p" for d in range(len(a.shape)))
        maps = [", ".join(f"d{d}" for d in range(len(a.shape))), ", ".join(f"d{d}" for d in range(len(a.shape)) if d != dim)]
        reduced = self.generic(maps, kinds, [a], self.full(shape, init, a.element), [f"%r = {op} %a0, %a1 : {a.element}", "yield %r"])
        return self.unsqueeze(reduced, dim) if keep else reduced

    def product(self, a, b, indices):
        """einsum of two tensors: product(q, k, "bhid,bhjd->bhij")."""
        inputs, out = indices.split("->")
        one, two = inputs.split(",")
        letters = sorted(set(one + two), key=(out + "".join(c for c in one + two if c not in out)).index)
        sizes = dict(zip(one + two, a.shape + b.shape))
        maps = [", ".join(f"d{letters.index(c)}" for c in part) for part in (one, two, out)]
        kinds = "".join("p" if c in out else "r" for c in letters)
        return self.generic(maps, kinds, [a, b], self.full([sizes[c] for c in out], 0.0, a.element),
                            [f"%m = arith.mulf %a0, %a1 : {a.element}", f"%r = arith.addf %m, %a2 : {a.element}", "yield %r"])

    def batch_matmul(self, a, b):
        init = self.full([a.shape[0], a.shape[1], b.shape[2]], 0.0)
        name = self.emit(f"linalg.batch_matmul ins({a.name}, {b.name} : {a.type}, {b.type}) outs({init.name} : {init.type}) -> {init.type}")
        return Tensor(name, init.shape, "f32")

    def transpose(self, a, order):
        init = self.empty([a.shape[d] for d in order], a.element)
        name = self.emit(f"linalg.transpose ins({a.name} : {a.type}) outs({init.name} : {init.type}) permutation = {list(order)}")
        return Tensor(name, init.shape, a.element)

    def broadcast(self, a, shape, dims):
        """linalg.broadcast: `dims` of the shape are new."""
        init = self.empty(shape, a.element)
        name = self.emit(f"linalg.broadcast ins({a.name} : {a.type}) outs({init.name} : {init.type}) dimensions = {list(dims)}")
        return Tensor(name, init.shape, a.element)

    def expand(self, a, groups, shape):
        sizes = ", ".join(self.sizes[s] if isinstance(s, str) else str(s) for s in shape)
        to = tensor_type(shape, a.element)
        return Tensor(self.emit(f"tensor.expand_shape {a.name} {groups} output_shape [{sizes}] : {a.type} into {to}"), shape, a.element)

    def collapse(self, a, groups, names=()):
        """A product of sizes of which one is dynamic is named by names[group] (and computed)."""
        shape = []
        for group in groups:
            sizes = [a.shape[d] for d in group]
            known = math.prod(s for s in sizes if isinstance(s, int))
            dynamic = [s for s in sizes if isinstance(s, str)]
            shape.append(known if not dynamic else self.product_size(known, dynamic))
        return Tensor(self.emit(f"tensor.collapse_shape {a.name} {groups} : {a.type} into {tensor_type(shape, a.element)}"), shape, a.element)

    def product_size(self, known, dynamic):
        if known == 1 and len(dynamic) == 1:
            return dynamic[0]
        name = "*".join([str(known), *dynamic])
        if name not in self.sizes:
            size = self.index(known)
            for s in dynamic:
                size = self.emit(f"arith.muli {size}, {self.sizes[s]} : index")
            self.sizes[name] = size
        return name

    def unsqueeze(self, a, dim):
        shape = a.shape[:dim] + [1] + a.shape[dim:]
        if not a.shape:
            return self.expand(a, [], shape)
        groups, at = [], 0
        for d in range(len(a.shape)):
            take = 2 if (d == dim or (d == len(a.shape) - 1 and dim == len(a.shape))) else 1
            groups.append(list(range(at, at + take)))
            at += take
        return self.expand(a, groups, shape)

    def slice(self, a, dim, start, size, drop=False):
        offsets = [start if d == dim else 0 for d in range(len(a.shape))]
        sizes = [self.sizes[s] if isinstance(s, str) else s for s in (size if d == dim else s for d, s in enumerate(a.shape))]
        shape = [size if d == dim else s for d, s in enumerate(a.shape) if not (drop and d == dim)]
        text = ", ".join(map(str, sizes))
        return Tensor(self.emit(f"tensor.extract_slice {a.name}{offsets} [{text}] {[1] * len(sizes)} : {a.type} to {tensor_type(shape, a.element)}"),
                      shape, a.element)

    def every_second(self, a, start):
        """a[..., start::2]"""
        shape = a.shape[:-1] + [a.shape[-1] // 2]
        sizes = ", ".join(self.sizes[s] if isinstance(s, str) else str(s) for s in shape)
        offsets, strides = [0] * (len(shape) - 1) + [start], [1] * (len(shape) - 1) + [2]
        return Tensor(self.emit(f"tensor.extract_slice {a.name}{offsets} [{sizes}] {strides} : {a.type} to {tensor_type(shape, a.element)}"),
                      shape, a.element)

    def concat(self, dim, *parts):
        shape = list(parts[0].shape)
        shape[dim] = self.sum_of_sizes([p.shape[dim] for p in parts])
        types = ", ".join(p.type for p in parts)
        name = self.emit(f"tensor.concat dim({dim}) {', '.join(p.name for p in parts)} : ({types}) -> {tensor_type(shape, parts[0].element)}")
        return Tensor(name, shape, parts[0].element)

    def sum_of_sizes(self, sizes):
        if all(isinstance(s, int) for s in sizes):
            return sum(sizes)
        name = "+".join(map(str, sizes))
        if name not in self.sizes:
            total = self.index(0)
            for s in sizes:
                total = self.emit(f"arith.addi {total}, {self.sizes[s] if isinstance(s, str) else self.index(s)} : index")
            self.sizes[name] = total
        return name

    # What models write with the above.

    def softmax(self, a, dim=-1, form="steps"):
        dim %= len(a.shape)
        if form == "named":
            init = self.empty(a.shape)
            return Tensor(self.emit(f"linalg.softmax dimension({dim}) ins({a.name} : {a.type}) outs({init.name} : {init.type}) -> {init.type}"),
                          a.shape, a.element)
        shifted = a if form == "bare" else self.binary("arith.subf", a, self.reduce("arith.maximumf", a, dim, -math.inf))
        exp = self.unary("math.exp", shifted)
        total = self.reduce("arith.addf", exp, dim, 0.0)
        if form == "reciprocal":
            one = self.full([1], 1.0)
            return self.binary("arith.mulf", exp, self.binary("arith.divf", one, total))
        return self.binary("arith.divf", exp, total)

    def heads(self, x, count, width):
        """[B, T, H·D] to [B, H, T, D]."""
        return self.transpose(self.expand(x, [[0], [1], [2, 3]], [*x.shape[:2], count, width]), [0, 2, 1, 3])

    def merge(self, x):
        """[B, H, T, D] to [B, T, H·D]."""
        return self.collapse(self.transpose(x, [0, 2, 1, 3]), [[0], [1], [2, 3]])

    def while_loop(self, inits, condition, body):
        """scf.while: condition(values) gives a bool tensor of rank 0, body(values) the new values."""
        self.count += 1
        name, before, after = (f"%{prefix}{self.count}" for prefix in ("w", "c", "b"))
        types = ", ".join(t.type for t in inits)
        assigned = ", ".join(f"{before}_{n} = {t.name}" for n, t in enumerate(inits))
        self.lines.append(f"{name}:{len(inits)} = scf.while ({assigned}) : ({types}) -> ({types}) {{")
        values = [Tensor(f"{before}_{n}", t.shape, t.element) for n, t in enumerate(inits)]
        goes_on = self.emit(f"tensor.extract {condition(*values).name}[] : tensor<i1>")
        self.lines.append(f"scf.condition({goes_on}) {', '.join(v.name for v in values)} : {types}")
        self.lines.append("} do {")
        self.lines.append(f"^bb0({', '.join(f'{after}_{n}: {t.type}' for n, t in enumerate(inits))}):")
        new = body(*(Tensor(f"{after}_{n}", t.shape, t.element) for n, t in enumerate(inits)))
        self.lines.append(f"scf.yield {', '.join(v.name for v in new)} : {types}")
        self.lines.append("}")
        return [Tensor(f"{name}#{n}", t.shape, t.element) for n, t in enumerate(inits)]

    def text(self, *results):
        def contract(name, tensor):
            names = ", ".join(f'"{s}"' for s in tensor.shape if isinstance(s, str))
            return f'{tensor.type} {{attnc.name = "{name}"' + (f", attnc.dims = [{names}]}}" if names else "}")

        arguments = ", ".join(f"{t.name}: {contract(n, t)}" for n, t in self.inputs.items())
        types = ", ".join(contract(f"y{n}", t) for n, t in enumerate(results))
        body = "\n".join(self.lines)
        return (f"func.func @main({arguments}) -> ({types}) {{\n{body}\n"
                f"return {', '.join(t.name for t in results)} : {', '.join(t.type for t in results)}\n}}\n")
