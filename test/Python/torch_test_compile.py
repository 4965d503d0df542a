"""attnc.compile, .pt2 files, the command line, state, and what cannot be imported: one sentence each."""
import json
import os
import pickle
import random
import re
import subprocess
import sys
import unittest
import warnings
import zipfile

import numpy as np
import torch
from torch import nn
from torch.export import Dim

from common import FOLDER, ROOT
import attnc
from attnc import frontends
from torch_models import BATCH, LENGTH, Block, rows

warnings.filterwarnings("ignore")
TINY = ROOT / "test/Python/Inputs/tiny.py"


class Cache(nn.Module):
    """Keys and values of a session in buffers: a decode step writes its row at `position`."""

    def __init__(self, width=16, capacity=12):
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.register_buffer("keys", torch.zeros(1, capacity, width))
        self.register_buffer("values", torch.full((1, capacity, width), 0.5), persistent=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        at = self.seen.reshape(1)
        self.keys.index_copy_(1, at, k)
        self.values.index_copy_(1, at, v)
        visible = (torch.arange(self.keys.shape[1]) <= self.seen)[None, None]
        self.seen.add_(1)
        return nn.functional.scaled_dot_product_attention(q[:, None], self.keys[:, None], self.values[:, None], attn_mask=visible[None])[:, 0]


class Positions(nn.Module):
    """Reads a table of eight rows, as models with learned positions do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.arange(8.0)[None])

    def forward(self, ids):
        return ids + self.table[:, :ids.shape[1]]


class Calls(unittest.TestCase):
    def test_module_with_torch_and_numpy(self):
        torch.manual_seed(0)
        module = Block().eval()
        package = attnc.compile(module, rows(2, 7), ({0: BATCH, 1: LENGTH},), target="cpu:avx2")
        self.assertEqual(package.main.inputs[0].shape, ("batch", "length", 32))
        x, = rows(5, 11)
        got = package(x)
        self.assertIsInstance(got, torch.Tensor)
        torch.testing.assert_close(got, module(x).detach(), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(package(x.numpy()), got.numpy())

    def test_sizes_beyond_the_exports_are_refused(self):
        package = attnc.compile(Positions().eval(), (torch.zeros(1, 3, dtype=torch.int64),), ({1: Dim("length", min=1, max=8)},), target="cpu:avx2")
        torch.testing.assert_close(package(torch.zeros(1, 8, dtype=torch.int64)), Positions()(torch.zeros(1, 8, dtype=torch.int64)))
        with self.assertRaisesRegex(attnc.Error, r"size 'length' is 9 in input 'ids' \(dimension 1\): the model takes 0 to 8"):
            package(torch.zeros(1, 9, dtype=torch.int64))

    def test_tied_weights_are_one_and_numbers_are_constants(self):
        class Tied(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Embedding(9, 4)
                self.head = nn.Linear(4, 9, bias=False)
                self.head.weight = self.embed.weight

            def forward(self, ids):
                return self.head(self.embed(ids) * torch.tensor(2.0))
        imported = frontends.load(Tied().eval(), (torch.tensor([[1, 2]]),))
        self.assertEqual(list(imported.weights.tensors), ["embed.weight"])

    def test_locations_are_the_users_lines(self):
        text = frontends.load(Block().eval(), rows(2, 7)).text
        self.assertRegex(text, r'#at\d+ = loc\(".*torch_models.py":\d+:1\)')
        self.assertNotIn("torch/nn", text)

    def test_buffers_that_change_are_state(self):
        torch.manual_seed(0)
        package = attnc.compile(Cache().eval(), rows(1, 1, 16), target="cpu:avx2")
        self.assertEqual({s.name for s in package.states}, {"keys", "values", "seen"})
        eager, session = Cache().eval(), package.session()
        torch.manual_seed(0)
        eager.load_state_dict(Cache().state_dict())
        for step in range(4):
            x, = rows(1, 1, 16)
            x = x + step
            torch.testing.assert_close(session(x), eager(x).detach(), rtol=1e-4, atol=1e-5)
        session.reset()
        fresh = Cache().eval()
        fresh.load_state_dict(dict(eager.state_dict(), keys=torch.zeros(1, 12, 16), seen=torch.tensor(0)))
        torch.testing.assert_close(session(x), fresh(x).detach(), rtol=1e-4, atol=1e-5)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(0)
        cls.module = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
        program = torch.export.export(cls.module, (torch.randn(2, 4),), dynamic_shapes=({0: Dim("n", min=1, max=64)},))
        cls.path = FOLDER / "tiny.pt2"
        torch.export.save(program, cls.path)

    def command(self, *line):
        environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "ATTNC_PYTHON": sys.executable}
        return subprocess.run([os.environ["ATTNC_COMPILER"], "compile", *map(str, line)], capture_output=True, text=True, env=environment)

    def test_pt2_through_the_command_line(self):
        out = FOLDER / "tiny.attnpkg"
        done = self.command(self.path, "--target=cpu:avx2", "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        x = torch.randn(5, 4)
        torch.testing.assert_close(attnc.load(out)(x), self.module(x).detach())
        self.assertEqual(attnc.load(out).name, "tiny")

    def test_a_function_through_the_command_line(self):
        out = FOLDER / "made.attnpkg"
        done = self.command(f"{TINY}:make", "--target=cpu:avx2", "-o", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(attnc.load(out)(np.ones((2, 4), np.float32)).shape, (2, 3))

    def test_problems_are_collected_and_nothing_is_written(self):
        out = FOLDER / "none.attnpkg"
        done = self.command(f"{TINY}:unsupported", "-o", out)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"Unsupported cannot be imported: 2 problems")
        self.assertRegex(done.stderr, r"aten.index.Tensor \(node \w+\): selection by a boolean mask.*File .*tiny.py, line \d+, in forward")
        self.assertRegex(done.stderr, r"special_i0.*: unsupported operation|i0.*: unsupported operation")
        self.assertFalse(out.exists())

    def test_damaged_files_are_one_sentence(self):
        whole = self.path.read_bytes()
        damaged = FOLDER / "damaged.pt2"
        for cut in (0, 10, len(whole) // 2, len(whole) - 30):
            damaged.write_bytes(whole[:cut])
            with self.assertRaisesRegex(frontends.ImportProblems, "torch cannot read it"):
                frontends.load(damaged)

    def rewritten(self, change, entries):
        """The file with its program's JSON changed as text, and entries (by the ends of their names) replaced."""
        path = FOLDER / "hostile.pt2"
        with zipfile.ZipFile(self.path) as old, zipfile.ZipFile(path, "w") as new:
            for entry in old.infolist():
                data = next((e for end, e in entries.items() if entry.filename.endswith(end)), old.read(entry))
                if entry.filename.endswith("models/model.json"):
                    text = data.decode()
                    self.assertNotEqual(change(text), text)
                    data = change(text).encode()
                new.writestr(entry, data)
        return path

    def test_nothing_of_a_file_is_run(self):
        """Formulas that are Python, functions by name, modules to import, constants and weights that are pickles."""
        trace = FOLDER / "trace"
        code = f"__import__('pathlib').Path({str(trace)!r}).touch()"

        class Evil:
            def __reduce__(self):
                return eval, (code,)

        def with_enum(text):
            program = json.loads(text)
            signature = program["graph_module"]["module_call_graph"][0]["signature"]
            signature["in_spec"] = signature["in_spec"].replace('"[]"', json.dumps(json.dumps({"__enum__": 1, "fqn": "this:x", "name": "y"})))
            return json.dumps(program)
        formula = re.compile(r"Symbol\('s\d+', positive=True, integer=True\)")
        same = lambda text: text + " "
        pickled = json.loads(zipfile.ZipFile(self.path).read(next(n for n in zipfile.ZipFile(self.path).namelist() if "weights_config" in n)))
        pickled["config"]["0.weight"]["use_pickle"] = True
        opaque = {"config": {"x": {"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None}}}
        for pattern, change, entries in (
                ("is no formula of sizes", lambda t: formula.sub(lambda _: json.dumps(code)[1:-1], t), {}),
                ("it calls 'torch.hub.load': expected a registered operation", lambda t: t.replace("torch.ops.aten.relu.default", "torch.hub.load"), {}),
                (r"names a Python module to import \(this:x\)", with_enum, {}),
                ("torch cannot read it: .*[Ww]eights", same, {"weights_config.json": json.dumps(pickled).encode(), "weights/weight_0": pickle.dumps(Evil())}),
                ("is a Python object", same, {"constants_config.json": json.dumps(opaque).encode()}),
                ("torch cannot read it", same, {"sample_inputs/model.pt": pickle.dumps(Evil())})):
            with self.subTest(pattern), self.assertRaisesRegex(frontends.ImportProblems, pattern):
                frontends.load(self.rewritten(change, entries))
        self.assertFalse(trace.exists())

    def test_mutated_files_end_in_a_sentence_or_in_a_module(self):
        """One byte changed, dropped or doubled, five hundred times: an ImportProblems, or a module of the same signature."""
        whole, damaged = self.path.read_bytes(), FOLDER / "mutated.pt2"
        draw, refused = random.Random(0), 0
        for _ in range(500):
            at = draw.randrange(len(whole))
            damaged.write_bytes(whole[:at] + draw.choice([bytes([draw.randrange(256)]), b"", whole[at:at + 1] * 2]) + whole[at + 1:])
            try:
                self.assertIn("func.func @main(", frontends.load(damaged).text)
            except frontends.ImportProblems as problem:
                self.assertIn("mutated.pt2 cannot be imported", str(problem))
                refused += 1
        self.assertGreater(refused, 100)


class Refusals(unittest.TestCase):
    def refuse(self, pattern, *arguments):
        with self.assertRaisesRegex(frontends.ImportProblems, pattern):
            frontends.load(*arguments)

    def test_what_is_no_model(self):
        self.refuse("expected a torch.nn.Module", 3)
        self.refuse("give example_inputs", nn.Linear(2, 2))
        self.refuse("no such file", "none.pt2")
        self.refuse(r"expected a .pt2 or .onnx file", str(TINY))
        self.refuse("it has no function 'nothing'", f"{TINY}:nothing")
        self.refuse("returned int: expected", f"{TINY}:number")

    def test_wrong_dynamic_shapes(self):
        self.refuse("torch cannot export it", nn.Linear(4, 3), (torch.randn(2, 4),), None, ({1: Dim("width")},))

    def test_dropout_in_training_is_torchs_own(self):
        self.refuse("expected|unsupported|eval", nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5)).train(), (torch.randn(2, 4),))

    def test_weights_without_data(self):
        with torch.device("meta"):
            module = nn.Linear(4, 3)
        imported = frontends.load(module, (torch.randn(2, 4, device="meta"),))
        with self.assertRaisesRegex(frontends.ImportProblems, "meta device"):
            imported.weights.write(FOLDER / "meta.safetensors")


if __name__ == "__main__":
    unittest.main()
