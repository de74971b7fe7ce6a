// SPDX-License-Identifier: Apache-2.0
/// \file
/// Weights of one MoE layer in host memory, as a checkpoint has them. Backends repack at load.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "switchyard/dtype.hpp"

namespace switchyard {

/// A dense row-major tensor in host memory, at any alignment. Does not own. No bytes: absent.
struct HostTensor {
  std::span<const std::byte> bytes;
  DType dtype = DType::f32;
  std::array<std::int64_t, 3> shape{1, 1, 1};  ///< Leading extents of a lower rank are 1.

  [[nodiscard]] constexpr bool present() const noexcept { return bytes.data() != nullptr; }
};

/// The tensors of a layer. E_local = LayerConfig::local_experts(), G = 2 with a gate, else 1. Those
/// marked optional may be absent. Any dtype is accepted everywhere and converted.
struct HostMoeWeights {
  HostTensor gate_up;       ///< [E_local, G*I, H], gate rows first.
  HostTensor down;          ///< [E_local, H, I].
  HostTensor gate_up_bias;  ///< [E_local, G*I], optional.
  HostTensor down_bias;     ///< [E_local, H], optional.

  HostTensor router;           ///< [E, H], optional: absent where the caller always brings logits.
  HostTensor router_bias;      ///< [E], optional; added to the logits that the layer computes.
  HostTensor correction_bias;  ///< [E], optional; added to the scores for selection only.

  HostTensor shared_gate_up;  ///< [G*I_shared, H], with LayerConfig::shared_expert.
  HostTensor shared_down;     ///< [H, I_shared], with LayerConfig::shared_expert.
  HostTensor shared_gate;     ///< [1, H], with SharedExpertConfig::gated.

  /// [E]: global expert id to local id in [0, E_local), or -1 where another rank holds the expert.
  /// Empty: every expert is local under its own id.
  std::span<const std::int32_t> expert_map;
};

}  // namespace switchyard
