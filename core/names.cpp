// SPDX-License-Identifier: Apache-2.0
// The names of the library's enumerators.
#include "switchyard/dtype.hpp"
#include "switchyard/forward_path.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/moe_layer.hpp"

namespace switchyard {

std::string_view name(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
      return "f32";
    case DType::bf16:
      return "bf16";
    case DType::f16:
      return "f16";
  }
  return "unknown";
}

std::optional<DType> parse_dtype(std::string_view text) noexcept {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    if (text == name(dtype)) return dtype;
  return std::nullopt;
}

std::string_view name(ActivationKind kind) noexcept {
  switch (kind) {
    case ActivationKind::swiglu:
      return "swiglu";
    case ActivationKind::geglu_tanh:
      return "geglu_tanh";
    case ActivationKind::geglu_erf:
      return "geglu_erf";
    case ActivationKind::relu2:
      return "relu2";
    case ActivationKind::swiglu_clamped:
      return "swiglu_clamped";
  }
  return "unknown";
}

std::string_view name(ScoreFunction score) noexcept {
  switch (score) {
    case ScoreFunction::softmax:
      return "softmax";
    case ScoreFunction::sigmoid:
      return "sigmoid";
    case ScoreFunction::identity:
      return "identity";
  }
  return "unknown";
}

std::string_view name(WeightStorage storage) noexcept {
  return storage == WeightStorage::copied ? "copied" : "borrowed";
}

std::string_view name(RoutePath path) noexcept {
  return path == RoutePath::device ? "device" : "host";
}

std::string_view name(ForwardPath path) noexcept {
  switch (path) {
    case ForwardPath::staged:
      return "staged";
    case ForwardPath::route_plan:
      return "route_plan";
    case ForwardPath::fused_layer:
      return "fused_layer";
    case ForwardPath::coupled_layer:
      return "coupled_layer";
  }
  return "unknown";
}

}  // namespace switchyard
