#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes golden MoE layers with Hugging Face transformers: tiny models with random weights, one
folder each, laid out like a model snapshot, with the input and output of one MoE block.

    python3 -m venv venv && venv/bin/pip install torch transformers==5.17.0 safetensors
    venv/bin/python make_golden.py OUT [FAMILY ...]

OUT/FAMILY/config.json is what save_pretrained writes; so is model.safetensors, weights in bf16, cut
down to the MoE block of the recorded layer.
OUT/FAMILY/moe_io.safetensors has hidden_states [T,H] (f32, bf16-representable), expected.output
[T,H] (the block run in float64 on the stored weights), expected.output_native (run in bf16) and
trace.gate.out0..2 (the router's logits, weights and ids, in float64 rounded to f32), for the layer
in its metadata. Where the checkpoint keeps the shared expert beside the block (Granite), the output
includes it. Not run by the test suite, which only reads what is carried here.
"""

import copy
import json
import pathlib
import re
import sys
import warnings

import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, CONFIG_MAPPING

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

TOKENS = 17
SIZES = dict(
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    vocab_size=64,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
)
MLA = dict(
    num_key_value_heads=4, q_lora_rank=16, kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=8,
    v_head_dim=16,
)
EXPERTS = dict(num_experts=12, num_experts_per_tok=3)
DENSE = dict(intermediate_size=80)
GROUPED = dict(
    n_routed_experts=16, num_experts_per_tok=3, moe_intermediate_size=40, n_shared_experts=1,
    n_group=4, topk_group=2, routed_scaling_factor=1.7, norm_topk_prob=True,
)
INDEXER = dict(index_topk=4, index_n_heads=2, index_head_dim=16)
LINEAR = dict(
    linear_num_key_heads=2, linear_num_value_heads=2, linear_key_head_dim=16,
    linear_value_head_dim=16,
)

# FAMILY: keys of its configuration. "layer": the layer recorded (default 1). "type": the model type
# where it is not FAMILY. "model": the class where the automatic one does not know it. "drop": sizes
# that its configuration computes. "text": these keys go to the text model's configuration, whose
# type this is.
FAMILIES = {
    "afmoe": dict(**DENSE, **EXPERTS, moe_intermediate_size=40, num_shared_experts=2,
                  num_dense_layers=1, route_scale=1.3),
    "aria_text": dict(intermediate_size=40, moe_num_experts=12, moe_topk=3,
                      moe_num_shared_experts=2),
    "axk2": dict(**DENSE, **MLA, **GROUPED, **INDEXER, drop=["head_dim"]),
    "deepseek_v2": dict(**DENSE, **MLA, **{**GROUPED, "n_shared_experts": 2},
                        topk_method="group_limited_greedy", first_k_dense_replace=1,
                        drop=["head_dim"]),
    "deepseek_v2_greedy": dict(type="deepseek_v2", **DENSE, **MLA, **GROUPED, drop=["head_dim"]),
    "deepseek_v3": dict(**DENSE, **MLA, **GROUPED, first_k_dense_replace=1, drop=["head_dim"]),
    "deepseek_v32": dict(**DENSE, **MLA, **GROUPED, **INDEXER, first_k_dense_replace=1,
                         drop=["head_dim"]),
    "dots1": dict(**DENSE, **GROUPED, first_k_dense_replace=1),
    "ernie4_5_moe": dict(**DENSE, moe_num_experts=12, moe_k=3, moe_intermediate_size=40,
                         moe_num_shared_experts=2, moe_layer_start_index=1, moe_layer_end_index=1),
    "exaone_moe": dict(**DENSE, **EXPERTS, moe_intermediate_size=40, num_shared_experts=1,
                       n_group=4, topk_group=2, routed_scaling_factor=2.5),
    "flex_olmo": dict(intermediate_size=40, **EXPERTS),
    "glm4_moe": dict(**DENSE, **GROUPED, first_k_dense_replace=1),
    "glm4_moe_lite": dict(**DENSE, **MLA, **GROUPED, drop=["head_dim"]),
    "glm4v_moe": dict(text="glm4v_moe_text", **DENSE, **GROUPED, first_k_dense_replace=1),
    "glm_moe_dsa": dict(**DENSE, **MLA, **GROUPED, **INDEXER, first_k_dense_replace=1,
                        drop=["head_dim"]),
    "gpt_oss": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3),
    "granitemoe": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3),
    "granitemoehybrid": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3,
                             shared_intermediate_size=56, layer_types=["full_attention"] * 2,
                             mamba_n_heads=4, mamba_d_head=32, mamba_n_groups=1, mamba_d_state=8),
    "granitemoeshared": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3,
                             shared_intermediate_size=56),
    "hunyuan_v1_moe": dict(intermediate_size=40, num_experts=12, moe_topk=3),
    "hy_v3": dict(**DENSE, **EXPERTS, moe_intermediate_size=40, num_shared_experts=1),
    "jamba": dict(intermediate_size=40, **EXPERTS, expert_layer_period=2, expert_layer_offset=1,
                  attn_layer_period=2, attn_layer_offset=1, use_mamba_kernels=False,
                  mamba_d_state=8, mamba_dt_rank=4),
    "kimi_linear": dict(**DENSE, num_experts=16, num_experts_per_token=3, moe_intermediate_size=40,
                        num_expert_group=4, topk_group=2, num_shared_experts=1,
                        kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=16,
                        num_key_value_heads=4, linear_num_heads=4, linear_head_dim=16,
                        drop=["head_dim"]),
    "laguna": dict(**DENSE, **EXPERTS, moe_intermediate_size=40, shared_expert_intermediate_size=56,
                   moe_routed_scaling_factor=1.5),
    "lfm2_moe": dict(**DENSE, **EXPERTS, moe_intermediate_size=40, num_dense_layers=1,
                     routed_scaling_factor=1.5, layer_types=["full_attention"] * 2,
                     drop=["head_dim"]),
    "llama4": dict(type="llama4_text", intermediate_size=40, intermediate_size_mlp=64,
                   num_local_experts=8, num_experts_per_tok=2),
    "mellum": dict(**DENSE, num_local_experts=12, num_experts_per_tok=3, moe_intermediate_size=40),
    "mimo_v2_flash": dict(**DENSE, **{k: v for k, v in GROUPED.items() if k != "n_shared_experts"}),
    "minimax": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3,
                    block_size=8),
    "minimax_m2": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3),
    "minimax_m3_vl": dict(type="minimax_m3_vl_text", intermediate_size=40, num_local_experts=12,
                          num_experts_per_tok=3, dense_intermediate_size=80,
                          shared_intermediate_size=56),
    "mistral4": dict(model="Mistral4ForCausalLM", **DENSE, **MLA, **GROUPED, drop=["head_dim"]),
    "mixtral": dict(intermediate_size=40, num_local_experts=12, num_experts_per_tok=3),
    "nemotron_h": dict(**DENSE, **GROUPED, moe_shared_expert_intermediate_size=56,
                       layers_block_type=["full_attention", "moe"], mamba_num_heads=4,
                       mamba_head_dim=32, ssm_state_size=8, n_groups=2,
                       drop=["num_hidden_layers"]),
    "olmoe": dict(intermediate_size=40, **EXPERTS),
    "qwen2_moe": dict(**DENSE, **EXPERTS, moe_intermediate_size=40,
                      shared_expert_intermediate_size=56),
    "qwen3_5_moe": dict(type="qwen3_5_moe_text", **EXPERTS, moe_intermediate_size=40,
                        shared_expert_intermediate_size=56, layer_types=["full_attention"] * 2,
                        **LINEAR),
    "qwen3_moe": dict(**DENSE, **EXPERTS, moe_intermediate_size=40, norm_topk_prob=False),
    "qwen3_next": dict(**DENSE, **EXPERTS, moe_intermediate_size=40,
                       shared_expert_intermediate_size=56, layer_types=["full_attention"] * 2,
                       **LINEAR),
    "qwen3_omni_moe": dict(type="qwen3_omni_moe_thinker", text="qwen3_omni_moe_text",
                           model="Qwen3OmniMoeThinkerForConditionalGeneration", **DENSE, **EXPERTS,
                           moe_intermediate_size=40),
    "qwen3_vl_moe": dict(text="qwen3_vl_moe_text", **DENSE, num_experts=12, num_experts_per_tok=3,
                         moe_intermediate_size=40),
    "qwen4_exp": dict(type="qwen4_exp_text", **EXPERTS, moe_intermediate_size=40,
                      shared_expert_intermediate_size=56, layer_types=["full_attention"] * 2,
                      indexer_n_heads=2, indexer_kv_heads=1, indexer_head_dim=16,
                      indexer_budget=16, indexer_compress_ratio=4, ple_layer_ids=[],
                      ple_embed_dim=16, **LINEAR),
    "solar_open": dict(**DENSE, **GROUPED),
}


VISION = dict(depth=1, hidden_size=32, intermediate_size=32, num_heads=2, out_hidden_size=64,
              patch_size=4, spatial_merge_size=1, deepstack_visual_indexes=[0],
              num_position_embeddings=16)
AUDIO = dict(d_model=32, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32,
             output_dim=64, downsample_hidden_size=16)


def make_model(family):
    keys = dict(FAMILIES[family])
    layer = keys.pop("layer", 1)
    model_type = keys.pop("type", family)
    text = keys.pop("text", None)
    model = keys.pop("model", None)
    drop = keys.pop("drop", [])
    sizes = {k: v for k, v in SIZES.items() if k not in drop}
    sizes.update(keys)
    if text is None:
        config = CONFIG_MAPPING[model_type](**sizes)
    else:
        parts = dict(text_config=dict(model_type=text, **sizes), vision_config=VISION)
        if "omni" in model_type:
            parts["audio_config"] = AUDIO
        config = CONFIG_MAPPING[model_type](**parts)
    for part in (config, config.get_text_config()):
        part._experts_implementation = "eager"
    if model is not None:
        return getattr(transformers, model)._from_config(config), layer
    auto = AutoModelForCausalLM if text is None else AutoModelForImageTextToText
    return auto.from_config(config), layer


def randomise(model):
    """Weights of unit gain; biases and the buffers that routers add are not zero."""
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if not tensor.is_floating_point() or "inv_freq" in name:
                continue
            fan_in = tensor.shape[-1] if tensor.dim() >= 2 else 1
            scale = fan_in**-0.5 if tensor.dim() >= 2 and fan_in > 1 else 0.1
            if "correction_bias" in name or "expert_bias" in name:
                scale = 0.1
            tensor.copy_(torch.randn(tensor.shape) * scale)


def find_layers(model):
    for name, module in model.named_modules():
        if name.endswith("layers") and not re.search("vis|audio", name):
            return module
    raise RuntimeError("no layers")


class Block:
    """The MoE block of a layer, with the shared expert that some families keep beside it."""

    def __init__(self, layer):
        self.name, self.moe = next(
            (name, getattr(layer, name))
            for name in ("block_sparse_moe", "mlp", "feed_forward", "mixer") if hasattr(layer, name))
        self.shared = getattr(layer, "shared_mlp", None)

    def to(self, dtype):
        self.moe = copy.deepcopy(self.moe).to(dtype)
        self.shared = copy.deepcopy(self.shared).to(dtype) if self.shared is not None else None
        return self

    def router(self):
        return next(getattr(self.moe, name) for name in ("gate", "router") if hasattr(self.moe, name))

    def __call__(self, hidden):
        batch = hidden.unsqueeze(0)
        out = self.moe(batch)
        out = (out[0] if isinstance(out, tuple) else out).reshape(hidden.shape)
        return out if self.shared is None else out + self.shared(batch).reshape(hidden.shape)


def trace(outputs):
    """Logits, weights and ids of what a router returned, by their looks."""
    if not isinstance(outputs, tuple):
        return {}
    ids = [t for t in outputs if isinstance(t, torch.Tensor) and not t.is_floating_point()]
    if not ids:
        return {}
    floats = [t for t in outputs if isinstance(t, torch.Tensor) and t.is_floating_point()]
    top_k = ids[0].shape[-1]
    weights = [t for t in floats if t.shape[-1] == top_k]
    logits = [t for t in floats if t.shape[-1] > top_k]
    found = [(0, logits), (1, weights), (2, ids)]
    return {f"trace.gate.out{i}": t[0].reshape(-1, t[0].shape[-1]) for i, t in found if t}


def storable(tensor):
    return tensor.detach().to(torch.float32 if tensor.is_floating_point() else torch.int32).contiguous()


def make(family, out, seed):
    torch.manual_seed(seed)
    model, layer = make_model(family)
    model = model.eval()
    randomise(model)
    model = model.to(torch.bfloat16)
    folder = pathlib.Path(out) / family
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    for extra in folder.glob("generation_config.json"):
        extra.unlink()
    keep_layer_only(folder / "model.safetensors", layer)

    hidden = torch.randn(TOKENS, SIZES["hidden_size"]).to(torch.bfloat16)
    native = Block(find_layers(model)[layer])
    exact = Block(find_layers(model)[layer]).to(torch.float64)
    recorded = {}
    exact.router().register_forward_hook(lambda m, i, o: recorded.update(trace(o)))
    with torch.no_grad():
        tensors = {
            "hidden_states": storable(hidden),
            "expected.output": storable(exact(hidden.to(torch.float64))),
            "expected.output_native": storable(native(hidden)),
        }
    tensors.update({name: storable(t) for name, t in recorded.items()})
    save_file(tensors, folder / "moe_io.safetensors", metadata={
        "family": family, "layer": str(layer), "precision": "float64", "seed": str(seed),
        "block": f"{exact.name}:{type(exact.moe).__name__}",
        "made_with": f"transformers {transformers.__version__}, torch {torch.__version__}",
    })
    print(family, type(exact.moe).__name__, sorted(recorded), flush=True)


def keep_layer_only(path, layer):
    """Drops what the recorded block does not need, to keep the files small."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    kept = {name: tensor for name, tensor in load_file(path).items()
            if f".layers.{layer}." in name and re.search("mlp|moe|feed_forward|mixer", name)
            and not re.search("vis|audio", name)}
    save_file(kept, path, metadata=metadata)


def main():
    out, *wanted = sys.argv[1:]
    failed = []
    for number, family in enumerate(FAMILIES):
        if wanted and family not in wanted:
            continue
        try:
            make(family, out, 2000 + number)
        except Exception as error:  # one family that cannot be built must not hide the others
            failed.append(family)
            print(family, "FAILED", repr(error)[:300], flush=True)
    if failed:
        sys.exit(f"not made: {json.dumps(failed)}")


if __name__ == "__main__":
    main()
