"""python/examples: the trained models written with attnc.torch. In f64 they give what is stored beside their weights, compiled they
give it within f32's rounding and with the same steps, and they are made of the ops that test/Models writes by hand."""
import collections
import importlib.util
import json
import os
import re
import subprocess
import sys
import unittest
import warnings

import numpy as np
import torch

from common import FOLDER, ROOT, raised
import tensors  # test/Models
import attnc
from attnc import frontends

warnings.filterwarnings("ignore")


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / f"python/examples/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def ops(text, function="main"):
    """How often each op of attn and loop stands in a function."""
    body = re.search(rf"func\.func @{function}\(.*?\n  }}", text, re.S).group(0)
    return collections.Counter(re.findall(r"\b(?:attn|loop)\.(?!yield)\w+", body))


class Examples(unittest.TestCase):
    def cases(self, name):
        """(case, its options, its tensors) of those stored beside the weights."""
        arrays, metadata = tensors.read(ROOT / f"test/Models/trained/{name}/cases.safetensors")
        for case, entry in json.loads(metadata["cases"]).items():
            yield case, entry["options"], {k[len(case) + 1:]: v for k, v in arrays.items() if k.startswith(case + ".")}

    def compare(self, got, arrays, tolerance, case):
        """Floats within a share of the largest, integers equal."""
        compared = 0
        for name, y in got.items():
            if name in arrays:
                want, y = arrays[name], np.asarray(y)
                allowed = tolerance * np.abs(want).max(initial=0) if want.dtype.kind == "f" else 0
                self.assertEqual(y.shape, want.shape, f"{name} of {case}")
                self.assertLessEqual(np.abs(y - want).max(initial=0), allowed, f"{name} of {case}")
                compared += 1
        self.assertGreater(compared, 1, case)

    def package(self, name, model, inputs, sizes):
        """Compiles a model; returns the package, and its ops behind raise."""
        imported, path = frontends.load(model, inputs, None, sizes), FOLDER / f"{name}.mlir"
        imported.write(path, FOLDER / f"{name}.safetensors")
        return attnc.compile(path, weights=FOLDER / f"{name}.safetensors", target="cpu:avx2"), ops(raised(path))

    def written(self, name, function="main"):
        return ops(raised(ROOT / f"test/Models/{name}.mlir"), function)


class UniversalTransformer(Examples):
    OPTIONS = ({}, {"freeze": "output"}, {"remainder": "drop"}, {"output": "basic"})

    def test_eager(self):
        model = example("ut_act")
        for case, options, arrays in self.cases("ut_act"):
            with torch.no_grad():
                got = model.make_model(**options)[0].double()(torch.from_numpy(arrays["tokens"]), torch.from_numpy(arrays["lengths"]))
            self.compare(got, arrays, 1e-9, case)

    def test_compiled(self):
        packages = []
        for n, options in enumerate(self.OPTIONS):
            package, found = self.package(f"ut_act_{n}", *example("ut_act").make_model(**options))
            self.assertEqual(found, self.written("ut_act"))
            packages.append(package)
        for case, options, arrays in self.cases("ut_act"):
            got = packages[self.OPTIONS.index(options)].main.run({k: arrays[k] for k in ("tokens", "lengths")})
            self.compare(got, arrays, 2e-5, case)

    def test_it_trains(self):
        model, (tokens, lengths), _ = example("ut_act").make_model()
        logits = model(tokens, lengths)["logits"]
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.zeros(logits.shape[0] * logits.shape[1], dtype=torch.int64)).backward()
        for name, parameter in model.named_parameters():
            self.assertTrue(torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name)

    def test_from_the_command_line(self):
        out = FOLDER / "ut_act.attnpkg"
        environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "ATTNC_PYTHON": sys.executable}
        line = [os.environ["ATTNC_COMPILER"], "compile", f"{ROOT}/python/examples/ut_act.py:make_model", "--target=cpu:avx2", "-o", out]
        done = subprocess.run(line, capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([t.name for t in attnc.load(out).main.outputs], ["logits", "steps", "state"])


class LoopedLM(Examples):
    def test_eager(self):
        for policy in ("latest", "all"):
            model = example("looped_lm").make_model(policy=policy)[0].double()
            for case, options, arrays in self.cases("looped_lm"):
                if options["policy"] == policy:
                    with torch.no_grad():
                        got = model(torch.from_numpy(arrays["tokens"]), torch.tensor(options["q"]))
                    self.compare(got, arrays, 1e-9, case)

    def test_compiled(self):
        for policy, function in {"latest": "main", "all": "main_policy_all"}.items():
            package, found = self.package(f"looped_lm_{policy}", *example("looped_lm").make_model(policy=policy))
            self.assertEqual(found, self.written("looped_lm", function))
            for case, options, arrays in self.cases("looped_lm"):
                if options["policy"] == policy:
                    got = package.main.run({"tokens": arrays["tokens"], "q": np.float32(options["q"])})
                    self.compare(got, arrays, 2e-5, case)


class TransformerFam(Examples):
    """`resume` goes on from the end of `begin`, in one session."""
    STATE = {"block": "block", "fam": "f", "k": "k", "v": "v"}

    def test_eager(self):
        for case, _, arrays in self.cases("fam"):
            model = example("fam").make_model(batch=arrays["tokens"].shape[0])[0].double()
            model.reset()
            for name, buffer in self.STATE.items():
                if "begin." + name in arrays:
                    getattr(model, buffer).copy_(torch.from_numpy(arrays["begin." + name]))
            with torch.no_grad():
                got = model(torch.from_numpy(arrays["tokens"]))
            self.compare(got | {"end." + name: getattr(model, buffer) for name, buffer in self.STATE.items()}, arrays, 1e-9, case)

    def test_compiled(self):
        package, found = self.package("fam", *example("fam").make_model())
        written = self.written("fam")
        written["attn.scatter_rows"] = written.pop("attn.ring_append")  # index_copy at slots that wrap
        self.assertEqual(found, written)
        session = package.session()
        for case, _, arrays in self.cases("fam"):
            if arrays["tokens"].shape[0] != 1:
                continue
            if case != "resume":
                session.reset()
            got = session.main.run({"tokens": arrays["tokens"]})
            session.save(FOLDER / "fam.state")
            end, _ = tensors.read(FOLDER / "fam.state")
            held = end["block"] > 0
            self.compare(got | {"end." + name: end[buffer] for name, buffer in self.STATE.items() if held or name == "fam"}, arrays, 2e-5, case)


if __name__ == "__main__":
    unittest.main()
