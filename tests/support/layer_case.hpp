// SPDX-License-Identifier: Apache-2.0
// Layers and calls in host memory: as the library takes them and as the oracle does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::test {

/// A layer with its tensors.
struct LayerCase {
  LayerConfig config;
  Tensor gate_up, down, gate_up_bias, down_bias;
  Tensor router, router_bias, correction_bias;
  Tensor shared_gate_up, shared_down, shared_gate;
  std::vector<std::int32_t> expert_map;

  [[nodiscard]] HostMoeWeights host() const;
  [[nodiscard]] oracle::Weights reference() const;
};

/// The arguments of a forward.
struct CallCase {
  std::int64_t num_tokens = 0;
  Tensor hidden_states;
  Tensor router_logits;
  std::vector<std::int32_t> selected_ids;
  std::vector<float> pair_weights;
  std::optional<std::int32_t> live_tokens;
  Tensor residual;
  bool residual_is_output = false;
  bool output_is_hidden_states = false;

  [[nodiscard]] oracle::Call reference() const;
};

/// What a random layer may have. Extents are upper bounds.
struct LayerBounds {
  std::int64_t hidden_size = 70;
  std::int64_t intermediate_size = 70;
  std::int64_t num_experts = 40;
  bool expert_map = true;
  /// Extents are multiples of 8; activations and weights have one 16-bit dtype.
  bool for_tensor_cores = false;
};

/// A router for E experts that chooses top_k, with or without a correction bias.
RouterConfig random_router(Random& random, std::int64_t num_experts, std::int64_t top_k);

/// Any layer: extents, dtypes, router, activation, biases, shared expert, expert map.
LayerCase random_layer(Random& random, const LayerBounds& bounds = {});

/// The tensors of a layer whose config is set: present where the config asks for them, the optional
/// ones where `optional_tensors` does. Values are of the order of 1 / sqrt(width).
void fill_tensors(Random& random, LayerCase& layer, bool optional_tensors);

/// How a random call routes.
enum class Routing { gate, logits, preselected };

CallCase random_call(Random& random, const LayerCase& layer, std::int64_t num_tokens,
                     Routing routing);

/// `count` standard normal numbers.
std::vector<double> normals(Random& random, std::int64_t count, double scale = 1.0);

/// For INFO.
std::string describe(const LayerConfig& config);

}  // namespace switchyard::test
