// SPDX-License-Identifier: Apache-2.0
/// \file
/// Paths: the sequences of stages that a forward can be, and backends that have more than one.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "switchyard/backend.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/export.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weight_layout.hpp"

namespace switchyard {

/// The stages that a forward of the device path is made of. Whichever it is, the plan is the same,
/// bit for bit. The gate stage and those of a shared expert come before a whole layer.
enum class ForwardPath : std::uint8_t {
  staged,         ///< route, plan, gate_up, down, combine.
  route_plan,     ///< route and plan as one stage, then gate_up, down, combine.
  fused_layer,    ///< All five as one stage.
  coupled_layer,  ///< The same, by launches that share counters: which work is taken, what is
                  ///< there.
};

/// Whether a path is one stage up to the output: no answer where the plan alone is asked for.
[[nodiscard]] constexpr bool is_whole_layer(ForwardPath path) noexcept {
  return path == ForwardPath::fused_layer || path == ForwardPath::coupled_layer;
}

/// "staged", "route_plan", "fused_layer" or "coupled_layer".
[[nodiscard]] SWITCHYARD_API std::string_view name(ForwardPath path) noexcept;

/// All that a path may be chosen by: what the host knows of a call, and no device data.
struct ForwardCall {
  const LayerConfig& config;
  std::int64_t num_tokens = 0;
  std::int32_t block_size = 0;
  WeightLayout gate_up_layout = WeightLayout::rows;
  WeightLayout down_layout = WeightLayout::rows;
  DType logits_dtype = DType::f32;
  bool plan_only = false;    ///< MoeLayer::route: a whole layer is no answer.
  bool preselected = false;  ///< The caller chose the experts: nothing is scored.
  bool has_correction_bias = false;
  bool has_expert_map = false;
  bool has_gate_up_bias = false;
  bool has_down_bias = false;
  bool has_live_tokens = false;
  bool has_residual = false;
  bool output_is_hidden_states = false;  ///< The same memory.
};

/// A backend that has bodies for other paths than `staged`, which all have.
///
///   forward_paths()     the paths that it has bodies for, a constant expression
///   runs(path, call)    whether its bodies can run a call on one of them
///   choose_path(call)   the one that it prefers among those
///
/// Both are pure functions: the same answer for the same call, always.
template <class B>
concept FusingBackend = Backend<B> &&
    requires(const B& b, ForwardPath path, const ForwardCall& call) {
  { B::forward_paths() } -> std::same_as<std::span<const ForwardPath>>;
  { b.runs(path, call) } -> std::same_as<bool>;
  { b.choose_path(call) } -> std::same_as<ForwardPath>;
};

/// A backend that says which of its bodies run the matrix products of a call, in a few words.
template <class B>
concept DescribingBackend = Backend<B> && requires(const B& b, const ForwardCall& call) {
  { b.describe_products(call) } -> std::same_as<std::string>;
};

/// Whether a backend has bodies for a path.
template <Backend B>
[[nodiscard]] consteval bool has_path(ForwardPath path) {
  if constexpr (FusingBackend<B>) {
    const std::span<const ForwardPath> paths = B::forward_paths();
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  }
  return path == ForwardPath::staged;
}

}  // namespace switchyard
