"""looped_lm's decode as a session: token by token what main says of the whole text, also across a saved state."""
import json
import unittest

import numpy as np

from common import FOLDER, ROOT, package
import attnc
import tensors

MODELS = ROOT / "test" / "Models"


class Decode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = MODELS / "trained" / "looped_lm"
        cls.model = attnc.load(package(MODELS / "looped_lm.mlir", "looped_lm", folder / "weights.safetensors"))
        cls.cases, metadata = tensors.read(folder / "cases.safetensors")
        cls.options = {case: about["options"] for case, about in json.loads(metadata["cases"]).items()}

    def check(self, case, length):
        """The trained case, up to `length` tokens (attention is causal, so a prefix's results are the whole's)."""
        tokens = self.cases[f"{case}.tokens"][:, :length]
        logits, steps = self.cases[f"{case}.logits"], self.cases[f"{case}.steps"]
        q = np.float32(self.options[case]["q"])
        session = self.model.session(C=length)
        for t in range(tokens.shape[1]):
            if t == length // 2:  # go on in a new session
                session.save(FOLDER / "decode.safetensors")
                session = self.model.session(C=length)
                session.restore(FOLDER / "decode.safetensors")
            out = session.decode.run({"token": tokens[:, t], "q": q})
            np.testing.assert_array_equal(out["steps"], steps[:, t], f"{case}, steps of token {t}")
            worst = np.abs(out["logits"] - logits[:, t]).max() / np.abs(logits).max()
            self.assertLess(worst, 2e-5, f"{case}, logits of token {t}")

    def test_batch(self):
        self.check("batch", 24)

    def test_noise(self):
        self.check("noise", 24)


if __name__ == "__main__":
    unittest.main()
