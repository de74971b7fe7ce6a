// SPDX-License-Identifier: Apache-2.0
// Checks of a layer's host tensors.
#include <array>
#include <string_view>

#include "core/checks.hpp"
#include "core/throw.hpp"

namespace switchyard::core {
namespace {

using Shape = std::array<std::int64_t, 3>;

void check_tensor(std::string_view name, const HostTensor& tensor, const Shape& shape) {
  require(tensor.dtype <= DType::f16, "{}.dtype is {}, must be an enumerator in [0, 2]", name,
          static_cast<int>(tensor.dtype));
  require(tensor.shape == shape, "{} has shape [{}, {}, {}], must be [{}, {}, {}]", name,
          tensor.shape[0], tensor.shape[1], tensor.shape[2], shape[0], shape[1], shape[2]);
  const auto elements = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]);
  const std::size_t bytes = elements * size_of(tensor.dtype);
  require(tensor.bytes.size() == bytes, "{} has {} bytes, must be {} for shape [{}, {}, {}] in {}",
          name, tensor.bytes.size(), bytes, shape[0], shape[1], shape[2],
          switchyard::name(tensor.dtype));
}

void check_required(std::string_view name, const HostTensor& tensor, const Shape& shape) {
  require(tensor.present(), "{} is absent, must be given with shape [{}, {}, {}]", name, shape[0],
          shape[1], shape[2]);
  check_tensor(name, tensor, shape);
}

void check_optional(std::string_view name, const HostTensor& tensor, const Shape& shape) {
  if (tensor.present()) check_tensor(name, tensor, shape);
}

void check_absent(std::string_view name, const HostTensor& tensor, std::string_view reason) {
  require(!tensor.present(), "{} is given, must be absent where {}", name, reason);
}

void check_shared(const LayerConfig& config, const HostMoeWeights& weights) {
  const std::int64_t width = config.shared_expert.intermediate_size;
  if (width == 0) {
    constexpr std::string_view kReason = "shared_expert.intermediate_size is 0";
    check_absent("shared_gate_up", weights.shared_gate_up, kReason);
    check_absent("shared_down", weights.shared_down, kReason);
  } else {
    const std::int64_t rows = config.activation.rows_per_feature() * width;
    check_required("shared_gate_up", weights.shared_gate_up, {1, rows, config.hidden_size});
    check_required("shared_down", weights.shared_down, {1, config.hidden_size, width});
  }
  if (config.shared_expert.gated) {
    check_required("shared_gate", weights.shared_gate, {1, 1, config.hidden_size});
  } else {
    check_absent("shared_gate", weights.shared_gate, "shared_expert.gated is false");
  }
}

void check_expert_map(const LayerConfig& config, std::span<const std::int32_t> map) {
  const std::int64_t local = config.local_experts();
  if (map.empty()) {
    require(local == config.num_experts,
            "expert_map is empty, must have num_experts = {} entries where num_local_experts = {}",
            config.num_experts, local);
    return;
  }
  require(static_cast<std::int64_t>(map.size()) == config.num_experts,
          "expert_map has {} entries, must have num_experts = {}", map.size(), config.num_experts);
  for (std::size_t e = 0; e < map.size(); ++e)
    require(map[e] >= -1 && map[e] < local,
            "expert_map[{}] is {}, must be in [-1, num_local_experts = {})", e, map[e], local);
}

}  // namespace

void check_weights(const LayerConfig& config, const HostMoeWeights& weights) {
  const std::int64_t local = config.local_experts();
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t rows = config.activation.rows_per_feature() * config.intermediate_size;
  check_required("gate_up", weights.gate_up, {local, rows, hidden});
  check_required("down", weights.down, {local, hidden, config.intermediate_size});
  check_optional("gate_up_bias", weights.gate_up_bias, {1, local, rows});
  check_optional("down_bias", weights.down_bias, {1, local, hidden});
  check_optional("router", weights.router, {1, config.num_experts, hidden});
  check_optional("router_bias", weights.router_bias, {1, 1, config.num_experts});
  if (!weights.router.present())
    check_absent("router_bias", weights.router_bias, "router is absent");
  check_optional("correction_bias", weights.correction_bias, {1, 1, config.num_experts});
  check_shared(config, weights);
  check_expert_map(config, weights.expert_map);
}

void check_weight_storage(WeightStorage storage, const LayerConfig& config,
                          const HostMoeWeights& weights, std::string_view backend,
                          bool can_borrow) {
  if (storage == WeightStorage::copied) return;
  require(can_borrow,
          "options.weight_storage is borrowed, must be copied: backend {} cannot read host memory",
          backend);
  const auto check_dtype = [&](std::string_view tensor_name, const HostTensor& tensor) {
    require(!tensor.present() || tensor.dtype == config.weight_dtype,
            "{}.dtype is {}, must be weight_dtype = {} where options.weight_storage is borrowed",
            tensor_name, name(tensor.dtype), name(config.weight_dtype));
  };
  check_dtype("gate_up", weights.gate_up);
  check_dtype("down", weights.down);
  check_dtype("shared_gate_up", weights.shared_gate_up);
  check_dtype("shared_down", weights.shared_down);
}

}  // namespace switchyard::core
