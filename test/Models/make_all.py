"""Makes the folders of the random-weight models: `python make_all.py OUT [NAME ...]`, one line each.

OUT/NAME/{weights.safetensors, config.json, cases.safetensors}; everything is drawn from fixed seeds."""
import importlib
import pathlib
import sys
import time

MODELS = ("llama_ring",
          "a0_iterative_block", "a1_act", "a3_pondernet", "a7_deq", "a15_programs", "a16_interlayer",
          "b2_transformer_xl", "b7_infini",
          "c01_rotary", "c02_alibi", "c03_t5", "c04_shaw", "c07_window", "c08_dilated", "c09_global", "c10_prefix",
          "c11_document", "c12_block_table", "c13_shifted_window", "c14_axial", "c15_permutation", "c16_sinks",
          "c18_streaming", "c19_sigmoid", "c21_differential", "c22_softcap", "c23_qk_norm", "c24_adaptive_span", "c25_linear",
          "c26_mla", "c29_perceiver", "c30_retention", "c31_rwkv", "c32_selective_scan",
          "c33_mamba2", "c34_rg_lru", "c35_delta_rule",
          "d2_generation")


def make(out, name):
    """Makes one folder under out; returns its line."""
    return importlib.import_module(name).make(pathlib.Path(out) / name)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[2:] or MODELS:
        start = time.time()
        print(f"{make(sys.argv[1], name)}, {time.time() - start:.1f} s", flush=True)
