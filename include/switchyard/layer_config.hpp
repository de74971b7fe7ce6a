// SPDX-License-Identifier: Apache-2.0
/// \file
/// Shapes, dtypes and numerics of one MoE layer.
#pragma once

#include <cstdint>
#include <string_view>

#include "switchyard/dtype.hpp"
#include "switchyard/export.hpp"
#include "switchyard/router.hpp"

namespace switchyard {

/// What an expert does between its two matrix products. g and u are the gate and up products.
enum class ActivationKind : std::uint8_t {
  swiglu,          ///< g * sigmoid(g) * u.
  geglu_tanh,      ///< gelu(g) * u, gelu by its tanh approximation.
  geglu_erf,       ///< gelu(g) * u, gelu exact.
  relu2,           ///< max(u, 0)^2; the expert has no gate: gate_up is [E, I, H].
  swiglu_clamped,  ///< g' * sigmoid(alpha * g') * (u' + 1), g' = min(g, limit), u' = clamp(u,
                   ///< +-limit).
};

/// The activation and its constants.
struct ActivationConfig {
  ActivationKind kind = ActivationKind::swiglu;
  float alpha = 1.702F;  ///< swiglu_clamped only (gpt-oss).
  float limit = 7.0F;    ///< swiglu_clamped only; positive.
  /// Rounding of the gate and up products before the activation (implementations that store them).
  Rounding input_rounding = Rounding::f32;

  /// Rows of gate_up per feature: 2 with a gate, 1 without.
  [[nodiscard]] constexpr std::int64_t rows_per_feature() const noexcept {
    return kind == ActivationKind::relu2 ? 1 : 2;
  }
  bool operator==(const ActivationConfig&) const = default;
};

/// The expert that every token passes, beside the routed ones. Same activation as the routed
/// experts.
struct SharedExpertConfig {
  std::int64_t intermediate_size = 0;  ///< 0: the layer has none.
  bool gated = false;  ///< Output scaled by sigmoid(hidden . gate) per token (Qwen2-MoE).

  bool operator==(const SharedExpertConfig&) const = default;
};

/// One MoE layer. Field names are those of checkpoints' config.json.
struct LayerConfig {
  std::int64_t hidden_size = 0;  ///< H, in [1, limits::kMaxHiddenSize].
  std::int64_t intermediate_size =
      0;                         ///< I of one routed expert, in [1, limits::kMaxIntermediateSize].
  std::int64_t num_experts = 0;  ///< E that the router chooses from, in [1, limits::kMaxExperts].
  std::int64_t num_local_experts = 0;   ///< Experts whose weights this layer holds; 0: all E.
  std::int64_t top_k = 0;               ///< K, in [1, min(E, limits::kMaxTopK)].
  DType activation_dtype = DType::f32;  ///< hidden_states, output, residual and intermediates.
  DType weight_dtype =
      DType::f32;  ///< Expert matrices on the device; others are converted at load.
  RouterConfig router{};
  ActivationConfig activation{};
  SharedExpertConfig shared_expert{};

  /// Experts whose weights are here.
  [[nodiscard]] constexpr std::int64_t local_experts() const noexcept {
    return num_local_experts == 0 ? num_experts : num_local_experts;
  }
  bool operator==(const LayerConfig&) const = default;
};

/// Throws Error{invalid_argument} that names the first field out of range, its value and the bound.
SWITCHYARD_API void validate(const LayerConfig& config);

[[nodiscard]] SWITCHYARD_API std::string_view name(ActivationKind kind) noexcept;
[[nodiscard]] SWITCHYARD_API std::string_view name(ScoreFunction score) noexcept;

}  // namespace switchyard
