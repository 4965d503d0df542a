"""linear_scan, delta_scan and selective_scan against their recurrences in NumPy."""
import numpy as np

from kernels import check, compile_kernel, from_bf16, to_bf16

random = np.random.default_rng(3)


def linear(q, k, v, state, decay):
    state, out = state.copy(), np.zeros_like(v)
    for t in range(v.shape[1]):
        state = state * decay[:, t, :, :, None] + k[:, t, :, :, None] * v[:, t, :, None, :]
        out[:, t] = np.einsum("bhkv,bhk->bhv", state, q[:, t])
    return out, state


def delta(q, k, v, state, decay, beta):
    state, out = state.copy(), np.zeros_like(v)
    for t in range(v.shape[1]):
        state = state * decay[:, t, :, :, None]
        change = beta[:, t, :, None] * (v[:, t] - np.einsum("bhkv,bhk->bhv", state, k[:, t]))
        state = state + k[:, t, :, :, None] * change[:, :, None, :]
        out[:, t] = np.einsum("bhkv,bhk->bhv", state, q[:, t])
    return out, state


def selective(x, dt, a, b, c, state):
    state, out = state.copy(), np.zeros_like(x)
    for t in range(x.shape[1]):
        state = np.exp(dt[:, t, :, None] * a) * state + (dt[:, t] * x[:, t])[:, :, None] * b[:, t, None, :]
        out[:, t] = np.einsum("bdn,bn->bd", state, c[:, t])
    return out, state


def scan(op, inputs, state, out):
    """A kernel with a destination for the outputs and one for the state, and one that updates the state in place."""
    args = ", ".join(f"%{name}: {type}" for name, type in inputs)
    text = """func.func private @kernel({args}, %o: {out}, %d: {state}) -> ({out}, {state}) attributes {{attnc.kernel, llvm.emit_c_interface}} {{
  %y:2 = {op}
  %y0 = bufferization.materialize_in_destination %y#0 in %o : ({out}, {out}) -> {out}
  %y1 = bufferization.materialize_in_destination %y#1 in %d : ({state}, {state}) -> {state}
  return %y0, %y1 : {out}, {state}
}}"""
    elsewhere = compile_kernel(text.format(args=args + f", %s: {state}", out=out, state=state, op=op))
    same = compile_kernel(text.format(args=args, out=out, state=state, op=op.replace("%s", "%d")))

    def run(inputs, state, like):
        out, last, out2, last2 = np.zeros_like(like), np.zeros_like(state), np.zeros_like(like), state.copy()
        elsewhere(*inputs, state, out, last)
        same(*inputs, out2, last2)
        assert out.tobytes() == out2.tobytes() and last.tobytes() == last2.tobytes(), "in place and elsewhere differ"
        return out, last
    return run


def decay_type(rank, heads, k, f):
    return {1: f"tensor<{heads}x{f}>", 3: f"tensor<?x?x{heads}x{f}>", 4: f"tensor<?x?x{heads}x{k}x{f}>"}[rank]


def key_value_scans():
    for f, H, K, V in [("f32", "?", "?", "?"), ("f32", "2", "16", "24"), ("f64", "?", "?", "?"), ("bf16", "3", "8", "100")]:
        store, load, tolerance = {"f32": (np.float32, np.float64, 2e-5), "f64": (np.float64, np.float64, 1e-12), "bf16": (to_bf16, from_bf16, 0.15)}[f]
        qk, values, state = f"tensor<?x?x{H}x{K}x{f}>", f"tensor<?x?x{H}x{V}x{f}>", f"tensor<?x{H}x{K}x{V}x{f}>"
        types = f" : {qk}, {qk}, {values}, {state}"
        inputs = [("q", qk), ("k", qk), ("v", values)]
        for rank in (0, 1, 3, 4):
            gate = f" decay(%g : {decay_type(rank, H, K, f)})" if rank else ""
            gates = [("g", decay_type(rank, H, K, f))] if rank else []
            linear_run = scan(f"attn.linear_scan %q, %k, %v state(%s){gate}{types}", inputs + gates, state, values)
            delta_run = None
            if rank in (0, 3):
                beta = f" beta(%beta : tensor<?x?x{H}x{f}>)"
                delta_run = scan(f"attn.delta_scan %q, %k, %v state(%s){beta}{gate}{types}", inputs + [("beta", f"tensor<?x?x{H}x{f}>")] + gates, state, values)
            for B, T, h, kk, vv in [(2, 5, 2, 16, 24), (3, 1, 1, 1, 1), (1, 3, 3, 8, 100), (2, 0, 1, 2, 3), (0, 2, 2, 3, 3), (1, 4, 2, 5, 129), (1, 2, 2, 0, 3), (1, 2, 2, 3, 0)]:
                if any(size != "?" and int(size) != n for size, n in ((H, h), (K, kk), (V, vv))):
                    continue
                q, k, v, s = (store(random.standard_normal(shape) / 2) for shape in ((B, T, h, kk), (B, T, h, kk), (B, T, h, vv), (B, h, kk, vv)))
                g = store(random.random({0: (1,), 1: (h,), 3: (B, T, h), 4: (B, T, h, kk)}[rank]))
                b = store(random.random((B, T, h)))
                full = np.ones((B, T, h, kk)) * (load(g).reshape({1: (1, 1, h, 1), 3: (B, T, h, 1), 4: (B, T, h, kk)}[rank]) if rank else 1.0)
                qs, ks, vs, ss, bs = (load(a).astype(np.float64) for a in (q, k, v, s, b))
                name = f"{f} decay {rank} {(B, T, h, kk, vv)}"
                found = linear_run([q, k, v] + ([g] if rank else []), s, v)
                for part, x, y in zip(("outputs", "state"), found, linear(qs, ks, vs, ss, full)):
                    check(f"linear {part} {name}", load(x), y, tolerance)
                if delta_run:
                    found = delta_run([q, k, v, b] + ([g] if rank else []), s, v)
                    for part, x, y in zip(("outputs", "state"), found, delta(qs, ks, vs, ss, full, bs)):
                        check(f"delta {part} {name}", load(x), y, tolerance)


def selective_scans():
    for f, D, N in [("f32", "?", "?"), ("f32", "32", "8"), ("f64", "130", "?")]:
        dtype, tolerance = (np.float32, 1e-5) if f == "f32" else (np.float64, 1e-13)
        x, a, bc, state = f"tensor<?x?x{D}x{f}>", f"tensor<{D}x{N}x{f}>", f"tensor<?x?x{N}x{f}>", f"tensor<?x{D}x{N}x{f}>"
        run = scan(f"attn.selective_scan %x, %dt, %a, %b, %c state(%s) : {x}, {x}, {a}, {bc}, {bc}, {state}", [("x", x), ("dt", x), ("a", a), ("b", bc), ("c", bc)], state, x)
        for B, T, d, n in [(2, 5, 32, 8), (1, 1, 130, 3), (3, 2, 1, 1), (0, 2, 3, 2), (2, 0, 3, 2), (1, 2, 3, 0), (1, 2, 0, 3), (1, 7, 64, 16)]:
            if any(size != "?" and int(size) != m for size, m in ((D, d), (N, n))):
                continue
            arrays = [random.standard_normal((B, T, d)), random.random((B, T, d)), -random.random((d, n)) * 4, random.standard_normal((B, T, n)), random.standard_normal((B, T, n)), random.standard_normal((B, d, n))]
            arrays = [array.astype(dtype) for array in arrays]
            if T > 4:
                arrays[0][0, 2, 1] = np.nan  # stays within its channel
            found = run(arrays[:-1], arrays[-1], arrays[0])
            expected = selective(*(array.astype(np.float64) for array in arrays))
            for part, y, z in zip(("outputs", "state"), found, expected):
                check(f"selective {part} {f} {(B, T, d, n)}", y, z, tolerance)


key_value_scans()
selective_scans()
print("scans: passed")
