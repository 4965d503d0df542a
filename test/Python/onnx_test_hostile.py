"""Damaged and hostile .onnx files: each is imported, or ends in one ImportProblems, in bounded time and memory, with nothing written and
nothing outside the model's folder read."""
import os
import random
import resource
import subprocess
import sys
import time
import unittest

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from common import FOLDER, ROOT
from attnc import frontends

FLOAT = TensorProto.FLOAT
MUTATIONS = 500
MODELS = FOLDER / "hostile"


def info(name, shape, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes, inputs, outputs, initial=(), opset=18, functions=()):
    graph = helper.make_graph(list(nodes), "g", inputs, outputs, list(initial))
    imports = [helper.make_opsetid("", opset), *([helper.make_opsetid("local", 1)] if functions else [])]
    return helper.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=10)


def tensor(name, array):
    return numpy_helper.from_array(array, name)


def layer():
    """A projection, a view by computed sizes, a softmax, in one file."""
    ints = lambda name, *v: tensor(name, np.array(v, np.int64))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="project"), helper.make_node("Shape", ["x"], ["s"], name="shape"),
             helper.make_node("Gather", ["s", "zero"], ["n"], name="batch"), helper.make_node("Unsqueeze", ["n", "zeros"], ["n1"], name="wide"),
             helper.make_node("Concat", ["n1", "rest"], ["to"], name="to", axis=0), helper.make_node("Reshape", ["h", "to"], ["y"], name="view"),
             helper.make_node("Softmax", ["y"], ["out"], name="softmax", axis=-1)]
    initial = [tensor("w", np.arange(32, dtype=np.float32).reshape(4, 8)), tensor("zero", np.array(0)), ints("zeros", 0), ints("rest", -1, 2, 4)]
    return model(nodes, [info("x", ["N", "T", 4])], [info("out", None)], initial)


def looped():
    """A Loop, an If in it, and a function."""
    yes = helper.make_graph([helper.make_node("Neg", ["v"], ["a"], name="neg")], "yes", [], [info("a", None)])
    no = helper.make_graph([helper.make_node("twice", ["v"], ["b"], domain="local", name="twice")], "no", [], [info("b", None)])
    body = helper.make_graph([helper.make_node("ReduceMax", ["v"], ["m"], keepdims=0, name="max"), helper.make_node("Greater", ["m", "limit"], ["big"], name="big"),
                              helper.make_node("If", ["big"], ["next"], then_branch=yes, else_branch=no, name="if"),
                              helper.make_node("Identity", ["going"], ["goes"], name="goes")],
                             "body", [info("i", [], TensorProto.INT64), info("going", [], TensorProto.BOOL), info("v", ["N"])],
                             [info("goes", [], TensorProto.BOOL), info("next", ["N"])])
    twice = helper.make_function("local", "twice", ["p"], ["q"], [helper.make_node("Add", ["p", "p"], ["q"])], [helper.make_opsetid("", 18)])
    return model([helper.make_node("Loop", ["count", "", "x"], ["out"], body=body, name="loop")], [info("x", ["N"])], [info("out", ["N"])],
                 [tensor("count", np.array(3)), tensor("limit", np.array(10, np.float32))], functions=[twice])


def external():
    """Weights in a file beside the model."""
    made = layer()
    weight = made.graph.initializer[0]
    (MODELS / "weights.bin").write_bytes(b"\0" * 64 + weight.raw_data)
    place(weight, location="weights.bin", offset="64", length="128")
    return made


def place(weight, **entries):
    weight.ClearField("raw_data")
    del weight.external_data[:]
    weight.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        weight.external_data.add(key=key, value=value)


def mutated(whole, draw):
    """Some bytes changed, a stretch dropped, doubled or moved, or the end cut off."""
    data = bytearray(whole)
    at = draw.randrange(len(data))
    kind = draw.randrange(6)
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
    elif kind == 2:
        del data[at:at + draw.randrange(1, 16)]
    elif kind == 3:
        data[at:at] = data[at:at + draw.randrange(1, 32)]
    elif kind == 4:
        data[at] = (data[at] + draw.choice([1, -1, 128])) % 256
    else:
        data[at:at + 1] = draw.choice([b"\xff" * 9 + b"\x7f", b"\x80\x80\x80\x80\x08", b"\0"])
    return bytes(data)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        MODELS.mkdir(exist_ok=True)
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))

    def refused(self, made, pattern):
        path = MODELS / "case.onnx"
        path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
        with self.assertRaisesRegex(frontends.ImportProblems, pattern):
            frontends.load(path)

    def test_mutations(self):
        """Five hundred damaged files: a sentence, or a module that the compiler takes for one."""
        sources, draw, refused, taken = [m().SerializeToString() for m in (layer, looped, external)], random.Random(0), 0, []
        before = set(os.listdir(MODELS)) | {"mutated.onnx"}
        for n in range(MUTATIONS):
            path = MODELS / "mutated.onnx"
            path.write_bytes(mutated(sources[n % len(sources)], draw))
            began = time.time()
            try:
                taken.append((n, frontends.load(path)))
            except frontends.ImportProblems as problem:
                self.assertIn("mutated.onnx cannot be imported", str(problem))
                self.assertLess(len(str(problem)), 20000)
                refused += 1
            self.assertLess(time.time() - began, 30)
        self.assertEqual(set(os.listdir(MODELS)), before)
        self.assertGreater(refused, MUTATIONS // 3)
        self.assertGreater(len(taken), MUTATIONS // 20)
        for n, imported in taken:
            with self.subTest(mutation=n):
                self.accepted(imported)

    def accepted(self, imported):
        """The compiler reads and verifies the module."""
        path = MODELS / "taken.mlir"
        imported.write(path, MODELS / "taken.safetensors")
        done = subprocess.run([os.environ["ATTNC_COMPILER"], "compile", path, "--stop-after=import", "-o", "-"], capture_output=True)
        for left in ("taken.mlir", "taken.safetensors"):
            (MODELS / left).unlink()
        self.assertEqual(done.returncode, 0, done.stderr.decode(errors="replace")[:400])

    # -- external data

    def elsewhere(self, pattern, **entries):
        made = layer()
        place(made.graph.initializer[0], **entries)
        self.refused(made, pattern)

    def test_external_data_stay_in_the_models_folder(self):
        (MODELS / "weights.bin").write_bytes(bytes(256))
        (FOLDER / "outside.bin").write_bytes(bytes(256))
        if not (MODELS / "link.bin").exists():
            (MODELS / "link.bin").symlink_to(FOLDER / "outside.bin")
        for location in ("../outside.bin", "/etc/passwd", str(FOLDER / "outside.bin"), "link.bin", "sub/../../outside.bin", ""):
            self.elsewhere("expected a file inside the model's folder", location=location)
        self.elsewhere("there is no such file beside the model", location="none.bin")
        self.elsewhere("there is no such file beside the model", location=".")
        (MODELS / "link.bin").unlink()

    def test_external_data_lie_inside_their_file(self):
        (MODELS / "weights.bin").write_bytes(bytes(256))
        at = dict(location="weights.bin")
        self.elsewhere("128 bytes at 200 of a file of 256", **at, offset="200")
        self.elsewhere("64 bytes at 0 of a file of 256, where the tensor's shape says 128", **at, length="64")
        for number in ("-1", "1e3", "0x10", "9" * 40, " 5"):
            self.elsewhere("expected a number", **at, offset=number)

    # -- what is not as it says

    def test_tensors_are_as_long_as_their_shape_says(self):
        for dims in ([4, 9], [4], [2 ** 62, 2 ** 62], [-4, -8]):
            made = layer()
            del made.graph.initializer[0].dims[:]
            made.graph.initializer[0].dims.extend(dims)
            self.refused(made, "a tensor has")

    def test_unknown_types_names_and_versions(self):
        self.refused(b"", "it has no graph")
        self.refused(b"not a model", "not an ONNX file")
        self.refused(model([], [info("x", [2], TensorProto.STRING)], []), "tensors of STRING")
        self.refused(model([helper.make_node("Neg", ["y"], ["z"])], [info("x", [2])], [info("z", None)]), "the value 'y' is not there")
        self.refused(model([helper.make_node("Neg", ["x"], ["z"])], [info("x", [2])], [info("z", None)], opset=9), "it uses opset 9, attnc reads 13 to 23")
        self.refused(model([helper.make_node("Neg", ["x"], ["z"])], [info("x", [-2])], [info("z", None)]), "a dimension of size -2")

    def test_all_problems_are_told_once(self):
        nodes = [helper.make_node("NonZero", ["x"], ["a"], name="first"), helper.make_node("Neg", ["a"], ["b"], name="behind"),
                 helper.make_node("Det", ["x"], ["c"], name="second"), helper.make_node("Softmax", ["x"], ["d"], name="third", axis=7)]
        made = model(nodes, [info("x", [3, 3])], [info(n, None) for n in "bcd"])
        self.refused(made, r"3 problems\n  NonZero \(node first\): unsupported operation: mask the elements.*\n  Det \(node second\): unsupported operation.*\n"
                           r"  Softmax \(node third\): the axis 7 of a tensor with 2 dimensions")

    def test_attributes_have_the_types_of_the_schema(self):
        made = layer()
        softmax = made.graph.node[-1].attribute[0]
        softmax.CopyFrom(helper.make_attribute("axis", "last"))
        self.refused(made, "the attribute 'axis' of kind STRING, expected INT")
        softmax.CopyFrom(helper.make_attribute("other", 1))
        self.refused(made, "which ONNX does not know here")

    # -- time and memory

    def test_functions_that_call_themselves(self):
        imports = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
        again = helper.make_function("local", "again", ["p"], ["q"], [helper.make_node("again", ["p"], ["q"], domain="local")], imports)
        self.refused(model([helper.make_node("again", ["x"], ["y"], domain="local")], [info("x", [2])], [info("y", None)], functions=[again]), "more than 32 deep")

    def test_functions_that_grow_exponentially(self):
        imports = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
        nodes = lambda name: [helper.make_node(name, ["p"], ["r"], domain="local"), helper.make_node(name, ["r"], ["q"], domain="local")]
        functions = [helper.make_function("local", f"f{k}", ["p"], ["q"], nodes(f"f{k + 1}"), imports) for k in range(24)]
        functions.append(helper.make_function("local", "f24", ["p"], ["q"], [helper.make_node("Identity", ["p"], ["q"])], imports))
        began = time.time()
        self.refused(model([helper.make_node("f0", ["x"], ["y"], domain="local")], [info("x", [2])], [info("y", None)], functions=functions), "more than 200000 nodes")
        self.assertLess(time.time() - began, 120)

    def test_sizes_that_grow(self):
        """Products of sizes, doubled in degree or length at each of sixty steps."""
        nodes = [helper.make_node("Shape", ["x"], ["s0"])]
        for k in range(60):
            nodes += [helper.make_node("Add", [f"s{k}", f"s{k}"], [f"t{k}"]), helper.make_node("Mul", [f"s{k}", f"t{k}"], [f"s{k + 1}"])]
        self.refused(model([*nodes, helper.make_node("ConstantOfShape", ["s60"], ["y"])], [info("x", ["N", "T"])], [info("y", None)]), "a size whose formula")
        nodes = [helper.make_node("Concat", [f"s{k}", f"s{k}"], [f"s{k + 1}"], axis=0) for k in range(60)]
        made = model([helper.make_node("Shape", ["x"], ["s0"]), *nodes, helper.make_node("ConstantOfShape", ["s60"], ["y"])], [info("x", ["N", "T"])], [info("y", None)])
        self.refused(made, "depends on data|formula")

    def test_names_are_no_code(self):
        """Names of sizes and nodes are words, whatever they spell."""
        witness = FOLDER / "executed"
        name = f"__import__('pathlib').Path('{witness}').touch()"
        made = model([helper.make_node("Neg", ["x"], ["y"], name=name)], [info("x", [name, 'a"b\n}', "N ** N ** N"])], [info("y", None)])
        path = MODELS / "names.onnx"
        onnx.save(made, path)
        self.accepted(frontends.load(path))
        self.assertFalse(witness.exists())

    def test_the_command_line_writes_nothing(self):
        path, out = MODELS / "bad.onnx", MODELS / "bad.attnpkg"
        onnx.save(model([helper.make_node("NonZero", ["x"], ["y"], name="first")], [info("x", [3])], [info("y", None)]), path)
        environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "ATTNC_PYTHON": sys.executable}
        done = subprocess.run([os.environ["ATTNC_COMPILER"], "compile", path, "-o", out], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NonZero (node first): unsupported operation", done.stderr)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
