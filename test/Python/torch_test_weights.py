"""Weights are packed from the files in which they lie: checkpoints that are mapped, .pt2 and .onnx files and what lies beside them. What is in
memory alone, or was changed there, goes to a file beside the index."""
import contextlib
import io
import json
import os
import pathlib
import tempfile
import unittest
import warnings

import torch
from torch import nn

from common import FOLDER, package
import attnc
from attnc import frontends

warnings.filterwarnings("ignore")


class Tied(nn.Module):
    """A table that is its own inverse, a layer, and a buffer that no checkpoint has."""

    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(24, 12), nn.Linear(12, 24, bias=False)
        self.line = nn.Linear(12, 12)
        self.out.weight = self.embed.weight
        self.register_buffer("scale", torch.arange(12.0), persistent=False)

    def forward(self, ids):
        return self.out(self.line(self.embed(ids)) * self.scale)


IDS = (torch.tensor([[3, 1, 4, 1, 5]]),)


def tied():
    torch.manual_seed(0)
    return Tied().eval()


def lies_in(imported, name):
    """Name of the weight → name of the file that has it, as the index says."""
    imported.write(FOLDER / f"{name}.mlir", FOLDER / f"{name}.json")
    index = json.loads((FOLDER / f"{name}.json").read_text())["tensors"]
    return {weight: os.path.basename(place["file"]) for weight, place in index.items()}


class InPlace(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="attnc-weights-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, imported, name, expected, module):
        self.assertEqual(lies_in(imported, name), expected)
        got = attnc.load(package(FOLDER / f"{name}.mlir", name, FOLDER / f"{name}.json"))(*IDS)
        torch.testing.assert_close(got, module(*IDS).detach(), rtol=1e-5, atol=1e-5)

    def mapped(self):
        """The module with its weights in a mapped .bin file."""
        torch.save(tied().state_dict(), self.folder / "model.bin")
        module = tied()
        module.load_state_dict(torch.load(self.folder / "model.bin", mmap=True, weights_only=True), assign=True)
        module.out.weight = module.embed.weight
        return module

    def test_bin(self):
        module = self.mapped()
        self.check(frontends.load(module, IDS), "bin",
                   {"embed.weight": "model.bin", "line.weight": "model.bin", "line.bias": "model.bin", "scale": "bin.safetensors"}, module)

    def test_changed_in_memory(self):
        module = self.mapped()
        with torch.no_grad():
            module.line.bias[3] += 1
        self.check(frontends.load(module, IDS), "changed",
                   {"embed.weight": "model.bin", "line.weight": "model.bin", "line.bias": "changed.safetensors", "scale": "changed.safetensors"}, module)

    def test_sharded_safetensors(self):
        import transformers
        config = transformers.LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
        transformers.LlamaForCausalLM(config).save_pretrained(self.folder, max_shard_size="20KB")
        module = transformers.LlamaForCausalLM.from_pretrained(self.folder, dtype=torch.float32)
        imported = frontends.load(module, (), {"input_ids": IDS[0], "use_cache": False})
        shards = sorted(p.name for p in self.folder.glob("*.safetensors"))
        self.assertGreater(len(shards), 2)
        places = lies_in(imported, "shards")
        self.assertEqual(sorted({place for name, place in places.items() if name.endswith(".weight")}), shards)

    def test_pt2(self):
        module = tied()
        torch.export.save(torch.export.export(module, IDS), FOLDER / "tied.pt2")
        self.check(frontends.load(FOLDER / "tied.pt2"), "pt2",
                   {"embed.weight": "tied.pt2", "line.weight": "tied.pt2", "line.bias": "tied.pt2", "scale": "pt2.safetensors"}, module)

    def test_onnx(self):
        for external in (True, False):
            with self.subTest(external=external):
                module, file = tied(), FOLDER / f"tied{external}.onnx"
                with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
                    torch.onnx.export(module, IDS, file, dynamo=True, opset_version=18, external_data=external, verbose=False)
                imported = frontends.load(file)
                places = lies_in(imported, f"onnx{external}")
                if external:
                    self.assertIn(f"{file.name}.data", places.values())
                self.assertLessEqual(set(places.values()), {f"tied{external}.onnx", f"tied{external}.onnx.data"})  # torch keeps small ones inside
                got = attnc.load(package(FOLDER / f"onnx{external}.mlir", "onnx", FOLDER / f"onnx{external}.json"))(*IDS)
                torch.testing.assert_close(got, module(*IDS).detach(), rtol=1e-5, atol=1e-5)

    def test_compile_takes_weights_of_a_module_without_data(self):
        from safetensors.torch import save_file
        module = tied()
        save_file({"embed.weight": module.embed.weight.detach()}, self.folder / "a.safetensors")
        save_file({"line.weight": module.line.weight.detach(), "line.bias": module.line.bias.detach()}, self.folder / "b.safetensors")
        save_file({"scale": module.scale}, self.folder / "c.safetensors")
        shards = {"embed.weight": "a.safetensors", "line.weight": "b.safetensors", "line.bias": "b.safetensors", "scale": "c.safetensors"}
        (self.folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": shards}))
        with torch.device("meta"):
            empty = Tied()
        package = attnc.compile(empty, (IDS[0].to("meta"),), weights=self.folder / "model.safetensors.index.json", target="cpu:avx2")
        torch.testing.assert_close(package(*IDS), module(*IDS).detach(), rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    unittest.main()
