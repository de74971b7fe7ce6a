// SPDX-License-Identifier: Apache-2.0
// What stages "gate_up" and "down" have in common, as a grouped matrix product.
#pragma once

#include <cstdint>

#include "kernels/down/params.hpp"
#include "kernels/function.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/sm90/aligned.hpp"
#include "switchyard/swizzled_tiles.hpp"

namespace switchyard::kernels::sm90 {

struct ProductView {
  const void* rows;                 // [at most max_rows, width], 16-bit elements
  const TokenIndex* source;         // [max_rows] the row that a packed row reads, or null: its own
  const void* weights;              // [E] experts in swizzled tiles
  void* output;                     // [max_rows, features]
  const PackedRow* expert_offsets;  // [E + 1], or null: no plan
  const std::int32_t* live_tokens;  // [1], or null; read only without a plan
  std::int32_t max_rows;
  std::int32_t features;
  std::int32_t num_experts;
  SwizzledTiles tiles;
};

[[nodiscard]] SWITCHYARD_FN inline ProductView view_of(const GateUpParams& params) noexcept {
  const std::int64_t products = has_gate(params) ? 2 : 1;
  return {params.hidden_states,
          params.expert_offsets == nullptr ? nullptr : params.packed_token_idx,
          params.gate_up,
          params.activated,
          params.expert_offsets,
          params.live_tokens,
          params.max_rows,
          params.intermediate_size,
          params.num_experts,
          {products * params.intermediate_size, params.hidden_size, has_gate(params)}};
}

[[nodiscard]] SWITCHYARD_FN inline ProductView view_of(const DownParams& params) noexcept {
  return {params.activated,      nullptr,
          params.down,           params.expert_rows,
          params.expert_offsets, params.live_tokens,
          params.max_rows,       params.hidden_size,
          params.num_experts,    {params.hidden_size, params.intermediate_size, false}};
}

/// Whether rows can be read 16 bytes at a time, by a number of 32 bits for each: up to 64 GB.
[[nodiscard]] SWITCHYARD_FN inline bool reads_by_chunks(const ProductView& view) noexcept {
  return aligned16(view.rows) &&
         view.max_rows * (view.tiles.width / SwizzledTiles::kChunkElements) <
             (std::int64_t{1} << 32U);
}

/// Whether sums of gate_up finish in registers, gates beside ups.
[[nodiscard]] SWITCHYARD_FN inline bool finishes_in_registers(const GateUpParams& params) noexcept {
  return (params.activation == ActivationKind::swiglu ||
          params.activation == ActivationKind::swiglu_clamped) &&
         params.pair_weights == nullptr && params.input_rounding == Rounding::f32;
}

/// Whether Generality::lean can run a call: rows in and out are accessed 16 bytes at a time, no
/// bias, of the activations swiglu alone.
[[nodiscard]] SWITCHYARD_FN inline bool is_lean(const ProductView& view) noexcept {
  return reads_by_chunks(view) && aligned16(view.output);
}
[[nodiscard]] SWITCHYARD_FN inline bool is_lean(const GateUpParams& params) noexcept {
  return is_lean(view_of(params)) && finishes_in_registers(params) &&
         params.activation == ActivationKind::swiglu && params.bias == nullptr;
}
[[nodiscard]] SWITCHYARD_FN inline bool is_lean(const DownParams& params) noexcept {
  return is_lean(view_of(params)) && params.bias == nullptr;
}

}  // namespace switchyard::kernels::sm90
