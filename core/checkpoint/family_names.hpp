// SPDX-License-Identifier: Apache-2.0
// The ways in which families name their tensors, relative to "...layers.N.". Where a family has
// two, the first is that of published checkpoints, the second that of a model saved from memory by
// newer versions of transformers.
#pragma once

#include <array>

#include "core/checkpoint/family.hpp"

namespace switchyard::checkpoint::names {

// Experts -----------------------------------------------------------------------------------------

inline constexpr ExpertNames kMlpFused{.layout = ExpertLayout::fused,
                                       .gate_up = "mlp.experts.gate_up_proj",
                                       .down = "mlp.experts.down_proj"};
inline constexpr std::array<ExpertNames, 2> kMlpExperts{{
    {.gate = "mlp.experts.{}.gate_proj.weight",
     .up = "mlp.experts.{}.up_proj.weight",
     .down = "mlp.experts.{}.down_proj.weight"},
    kMlpFused,
}};
inline constexpr std::array<ExpertNames, 2> kMlpW123{{
    {.gate = "mlp.experts.{}.w1.weight",
     .up = "mlp.experts.{}.w3.weight",
     .down = "mlp.experts.{}.w2.weight"},
    kMlpFused,
}};
inline constexpr std::array<ExpertNames, 2> kSparseW123{{
    {.gate = "block_sparse_moe.experts.{}.w1.weight",
     .up = "block_sparse_moe.experts.{}.w3.weight",
     .down = "block_sparse_moe.experts.{}.w2.weight"},
    {.layout = ExpertLayout::fused,
     .gate_up = "block_sparse_moe.experts.gate_up_proj",
     .down = "block_sparse_moe.experts.down_proj"},
}};

// Shared experts ----------------------------------------------------------------------------------

inline constexpr SharedNames kMlpShared{.gate = "mlp.shared_experts.gate_proj.weight",
                                        .up = "mlp.shared_experts.up_proj.weight",
                                        .down = "mlp.shared_experts.down_proj.weight"};
inline constexpr SharedNames kSparseShared{
    .gate = "block_sparse_moe.shared_experts.gate_proj.weight",
    .up = "block_sparse_moe.shared_experts.up_proj.weight",
    .down = "block_sparse_moe.shared_experts.down_proj.weight"};
inline constexpr SharedNames kGraniteShared{.gate_up = "shared_mlp.input_linear.weight",
                                            .down = "shared_mlp.output_linear.weight"};

// Layers ------------------------------------------------------------------------------------------

inline constexpr std::array<TensorNames, 1> kQwen{
    {{.router = "mlp.gate.weight", .experts = kMlpExperts}}};

inline constexpr std::array<TensorNames, 1> kQwenShared{
    {{.router = "mlp.gate.weight",
      .experts = kMlpExperts,
      .shared = {.gate = "mlp.shared_expert.gate_proj.weight",
                 .up = "mlp.shared_expert.up_proj.weight",
                 .down = "mlp.shared_expert.down_proj.weight",
                 .sigmoid = "mlp.shared_expert_gate.weight"}}}};

// The fused tensors of published checkpoints are [E,H,2I] and [E,I,H]; others have [E,2I,H].
inline constexpr std::array<TensorNames, 1> kQwenVl{
    {{.router = "mlp.gate.weight",
      .experts = {{{.layout = ExpertLayout::fused_either,
                    .gate_up = "mlp.experts.gate_up_proj",
                    .down = "mlp.experts.down_proj"},
                   kMlpExperts[0]}}}}};

inline constexpr std::array<TensorNames, 2> kMixtral{{
    {.router = "block_sparse_moe.gate.weight", .experts = kSparseW123},
    {.router = "mlp.gate.weight", .experts = kMlpW123},
}};

inline constexpr std::array<TensorNames, 2> kMiniMaxM2{{
    {.router = "block_sparse_moe.gate.weight",
     .correction_bias = "block_sparse_moe.e_score_correction_bias",
     .experts = kSparseW123},
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.e_score_correction_bias",
     .experts = kMlpW123},
}};

inline constexpr std::array<TensorNames, 2> kMiniMaxM3{{
    {.router = "block_sparse_moe.gate.weight",
     .correction_bias = "block_sparse_moe.e_score_correction_bias",
     .experts = kSparseW123,
     .shared = kSparseShared},
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.gate.e_score_correction_bias",
     .experts = kMlpW123,
     .shared = {.gate_up = "mlp.shared_experts.gate_up_proj.weight",
                .down = "mlp.shared_experts.down_proj.weight"}},
}};

inline constexpr std::array<TensorNames, 1> kDeepseek{
    {{.router = "mlp.gate.weight",
      .correction_bias = "mlp.gate.e_score_correction_bias",
      .experts = kMlpExperts,
      .shared = kMlpShared}}};

inline constexpr std::array<TensorNames, 1> kDeepseekV2{
    {{.router = "mlp.gate.weight", .experts = kMlpExperts, .shared = kMlpShared}}};

inline constexpr std::array<TensorNames, 2> kExaone{{
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.e_score_correction_bias",
     .experts = kMlpExperts,
     .shared = kMlpShared},
    kDeepseek[0],
}};

inline constexpr std::array<TensorNames, 2> kKimiLinear{{
    {.router = "block_sparse_moe.gate.weight",
     .correction_bias = "block_sparse_moe.gate.e_score_correction_bias",
     .experts = kSparseW123,
     .shared = kSparseShared},
    kDeepseek[0],
}};

inline constexpr std::array<TensorNames, 2> kErnie{{
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.moe_statics.e_score_correction_bias",
     .experts = kMlpExperts,
     .shared = kMlpShared},
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.gate.moe_statics.e_score_correction_bias",
     .experts = kMlpExperts,
     .shared = kMlpShared},
}};

inline constexpr std::array<TensorNames, 2> kHunyuanV3{{
    {.router = "mlp.router.gate.weight",
     .correction_bias = "mlp.expert_bias",
     .experts = kMlpExperts,
     .shared = {.gate = "mlp.shared_mlp.gate_proj.weight",
                .up = "mlp.shared_mlp.up_proj.weight",
                .down = "mlp.shared_mlp.down_proj.weight"}},
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.e_score_correction_bias",
     .experts = kMlpExperts,
     .shared = kMlpShared},
}};

inline constexpr std::array<TensorNames, 1> kHunyuanV1{
    {{.router = "mlp.gate.wg.weight",
      .experts = kMlpExperts,
      .shared = {.gate = "mlp.shared_mlp.gate_proj.weight",
                 .up = "mlp.shared_mlp.up_proj.weight",
                 .down = "mlp.shared_mlp.down_proj.weight"}}}};

inline constexpr std::array<TensorNames, 2> kLaguna{{
    {.router = "mlp.gate.weight",
     .correction_bias = "mlp.experts.e_score_correction_bias",
     .experts = kMlpExperts,
     .shared = {.gate = "mlp.shared_expert.gate_proj.weight",
                .up = "mlp.shared_expert.up_proj.weight",
                .down = "mlp.shared_expert.down_proj.weight"}},
    kDeepseek[0],
}};

inline constexpr std::array<TensorNames, 1> kAfmoe{{{.router = "mlp.router.gate.weight",
                                                     .correction_bias = "mlp.expert_bias",
                                                     .experts = kMlpExperts,
                                                     .shared = kMlpShared}}};

inline constexpr std::array<TensorNames, 1> kGptOss{
    {{.router = "mlp.router.weight",
      .router_bias = "mlp.router.bias",
      .experts = {{{.layout = ExpertLayout::fused_interleaved,
                    .gate_up = "mlp.experts.gate_up_proj",
                    .down = "mlp.experts.down_proj",
                    .gate_up_bias = "mlp.experts.gate_up_proj_bias",
                    .down_bias = "mlp.experts.down_proj_bias"}}}}}};

inline constexpr std::array<TensorNames, 1> kLlama4{
    {{.router = "feed_forward.router.weight",
      .experts = {{{.layout = ExpertLayout::fused_transposed,
                    .gate_up = "feed_forward.experts.gate_up_proj",
                    .down = "feed_forward.experts.down_proj"},
                   {.gate = "feed_forward.experts.{}.gate_proj.weight",
                    .up = "feed_forward.experts.{}.up_proj.weight",
                    .down = "feed_forward.experts.{}.down_proj.weight"}}},
      .shared = {.gate = "feed_forward.shared_expert.gate_proj.weight",
                 .up = "feed_forward.shared_expert.up_proj.weight",
                 .down = "feed_forward.shared_expert.down_proj.weight"}}}};

inline constexpr std::array<TensorNames, 1> kAria{
    {{.router = "mlp.router.weight",
      .experts = {{{.layout = ExpertLayout::fused_transposed,
                    .gate_up = "mlp.experts.fc1.weight",
                    .down = "mlp.experts.fc2.weight"}}},
      .shared = kMlpShared}}};

inline constexpr std::array<TensorNames, 2> kGranite{{
    {.router = "block_sparse_moe.router.layer.weight",
     .experts = {{{.layout = ExpertLayout::fused,
                   .gate_up = "block_sparse_moe.input_linear.weight",
                   .down = "block_sparse_moe.output_linear.weight"}}},
     .shared = kGraniteShared},
    {.router = "block_sparse_moe.router.weight",
     .experts = {{kSparseW123[1]}},
     .shared = kGraniteShared},
}};

inline constexpr std::array<TensorNames, 1> kJamba{
    {{.router = "feed_forward.router.weight",
      .experts = {{{.gate = "feed_forward.experts.{}.gate_proj.weight",
                    .up = "feed_forward.experts.{}.up_proj.weight",
                    .down = "feed_forward.experts.{}.down_proj.weight"},
                   {.layout = ExpertLayout::fused,
                    .gate_up = "feed_forward.experts.gate_up_proj",
                    .down = "feed_forward.experts.down_proj"}}}}}};

inline constexpr std::array<TensorNames, 1> kLfm2{
    {{.router = "feed_forward.gate.weight",
      .correction_bias = "feed_forward.expert_bias",
      .experts = {{{.gate = "feed_forward.experts.{}.w1.weight",
                    .up = "feed_forward.experts.{}.w3.weight",
                    .down = "feed_forward.experts.{}.w2.weight"},
                   {.layout = ExpertLayout::fused,
                    .gate_up = "feed_forward.experts.gate_up_proj",
                    .down = "feed_forward.experts.down_proj"}}}}}};

inline constexpr std::array<TensorNames, 1> kNemotron{
    {{.router = "mixer.gate.weight",
      .correction_bias = "mixer.gate.e_score_correction_bias",
      .experts = {{{.up = "mixer.experts.{}.up_proj.weight",
                    .down = "mixer.experts.{}.down_proj.weight"},
                   {.layout = ExpertLayout::fused,
                    .up = "mixer.experts.up_proj",
                    .down = "mixer.experts.down_proj"}}},
      .shared = {.up = "mixer.shared_experts.up_proj.weight",
                 .down = "mixer.shared_experts.down_proj.weight"}}}};

}  // namespace switchyard::checkpoint::names
