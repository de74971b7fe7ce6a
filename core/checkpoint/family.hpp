// SPDX-License-Identifier: Apache-2.0
// What a model family's checkpoints look like, as data. A further family is one entry of the table
// in families.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/checkpoint/config_view.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/router.hpp"

namespace switchyard::checkpoint {

/// How the expert matrices are stored. E experts, H hidden_size, I intermediate_size.
enum class ExpertLayout : std::uint8_t {
  per_expert,         ///< One tensor each: gate and up [I,H], down [H,I]. "{}" is the expert.
  fused,              ///< gate_up [E,2I,H] gate rows first, down [E,H,I].
  fused_transposed,   ///< gate_up [E,H,2I] gate columns first, down [E,I,H].
  fused_interleaved,  ///< gate_up [E,H,2I] gate columns even, up columns odd, down [E,I,H].
  fused_either,       ///< fused or fused_transposed, as the shapes say; fused where both fit.
};

/// Names of the expert tensors, relative to the layer. Without a gate, `up` alone is used.
struct ExpertNames {
  ExpertLayout layout = ExpertLayout::per_expert;
  std::string_view gate{};          ///< per_expert
  std::string_view up{};            ///< per_expert; of an ungated fused layout [E,I,H]
  std::string_view gate_up{};       ///< fused layouts
  std::string_view down{};          ///< all layouts
  std::string_view gate_up_bias{};  ///< [E,2I], columns ordered as those of gate_up; fused layouts
  std::string_view down_bias{};     ///< [E,H]; fused layouts
};

/// Names of the shared expert's tensors, relative to the layer.
struct SharedNames {
  std::string_view gate{};     ///< [I,H], with up; or
  std::string_view up{};       ///< [I,H]
  std::string_view gate_up{};  ///< [2I,H], gate rows first.
  std::string_view down{};     ///< [H,I]
  std::string_view sigmoid{};  ///< [1,H], with SharedSpec::gated.
};

/// One way in which a family's layers name their tensors. A layer uses it where `router` exists.
struct TensorNames {
  std::string_view router{};           ///< [E,H]
  std::string_view router_bias{};      ///< [E]; must exist where named.
  std::string_view correction_bias{};  ///< [E] or [1,E]; must exist where named and switched on.
  std::array<ExpertNames, 2>
      experts{};  ///< The first whose tensors exist; unused ones have no down.
  SharedNames shared{};
};

/// The router: a recipe, and the keys of config.json that modify it.
struct RouterSpec {
  RouterConfig base{};
  BoolKey norm_topk_prob{};  ///< Where named: says whether base.renormalize applies.
  IntKey num_groups{};       ///< Where named: RouterConfig::num_groups; null or 0 reads as 1.
  IntKey kept_groups{};      ///< Where named: RouterConfig::kept_groups; null or 0 reads as 1.
  TextKey grouping{};  ///< Where named: groups apply only where it says "group_limited_greedy".
  FloatKey scaling_factor{};  ///< Where named: RouterConfig::scaling_factor.
  FloatKey epsilon{};         ///< Where named: RouterConfig::epsilon.
  BoolKey correction{};       ///< Where named: whether there is a correction bias.
};

/// The shared expert: intermediate_size = count * size. 0 of either: none.
struct SharedSpec {
  IntKey size{};
  IntKey count{};  ///< Where named; else 1.
  bool gated = false;
};

/// Which layers have an MoE block.
enum class LayerRule : std::uint8_t {
  all,
  leading_dense,  ///< mlp_layer_types, else dense_layers leading ones are dense (and
                  ///< moe_layer_freq).
  sparse_step,    ///< decoder_sparse_step and mlp_only_layers (Qwen).
  interleave,     ///< moe_layers, else interleave_moe_layer_step (Llama 4).
  interval,       ///< moe_layer_start_index, moe_layer_end_index, moe_layer_interval (ERNIE).
  period,         ///< expert_layer_period and expert_layer_offset (Jamba).
  block_types,    ///< layers_block_type or hybrid_override_pattern (Nemotron-H).
};

/// The activation of the experts.
struct ActivationSpec {
  TextKey hidden_act{.names = {"hidden_act"}, .fallback = "silu"};
  /// The gated form of silu: swiglu, or swiglu_clamped with the keys below.
  ActivationKind silu = ActivationKind::swiglu;
  FloatKey alpha{};
  FloatKey limit{};
};

/// A key that must have one value, or be absent: with another the layer computes something else.
struct Requirement {
  std::string_view key{};
  std::string_view value{};  ///< A string's text, or "false", which 0 and 0.0 satisfy too.
};

struct Family {
  /// The model types it serves; unused ones are empty. The first is the family's name.
  std::array<std::string_view, 3> model_types{};
  IntKey num_experts{};
  IntKey top_k{};
  IntKey intermediate_size{};
  RouterSpec router{};
  SharedSpec shared{};
  ActivationSpec activation{};
  LayerRule layers = LayerRule::all;
  IntKey dense_layers{};  ///< For LayerRule::leading_dense.
  std::array<Requirement, 2> requirements{};
  std::span<const TensorNames> names{};  ///< The first that fits the file.
};

/// Every family, sorted by name.
[[nodiscard]] std::span<const Family> family_table() noexcept;

/// The family that serves that model type, or null.
[[nodiscard]] const Family* find_family(std::string_view model_type) noexcept;

}  // namespace switchyard::checkpoint
