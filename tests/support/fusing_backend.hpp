// SPDX-License-Identifier: Apache-2.0
// Any backend as one that fuses stages: a fused stage is the stages that it stands for, one after
// the other, on the backend itself.
#pragma once

#include <functional>
#include <span>
#include <type_traits>

#include "kernels/combine/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/fused_layer/params.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/route/params.hpp"
#include "kernels/route_plan/params.hpp"
#include "support/recording_backend.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::test {

/// The log has the fused stage alone.
template <class B>
class FusingOver : public RecordingBackend<B> {
  using Base = RecordingBackend<B>;

 public:
  using typename Base::LaunchConfig;
  using typename Base::Stream;

  explicit FusingOver(B& inner) : Base(inner), inner_(inner) {}

  /// What runs and choose_path answer; both keep the last call that they were asked about.
  std::function<bool(ForwardPath)> can_run = [](ForwardPath) { return true; };
  ForwardPath choice = ForwardPath::staged;
  mutable std::vector<ForwardCall> asked;

  [[nodiscard]] static constexpr std::span<const ForwardPath> forward_paths() { return kPaths; }
  [[nodiscard]] bool runs(ForwardPath path, const ForwardCall& call) const {
    asked.emplace_back(call);
    return can_run(path);
  }
  [[nodiscard]] ForwardPath choose_path(const ForwardCall& call) const {
    asked.emplace_back(call);
    return choice;
  }

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params) {
    if constexpr (std::is_same_v<Stage, kernels::RoutePlan>) {
      this->note("launch route_plan");
      route_and_plan(stream, config, params);
    } else if constexpr (std::is_same_v<typename Stage::Params, kernels::FusedLayerParams>) {
      this->note("launch " + std::string(Stage::kName));
      route_and_plan(stream, config, params.route_plan);
      inner_.template launch<kernels::GateUp>(stream, config, params.gate_up);
      inner_.template launch<kernels::Down>(stream, config, params.down);
      inner_.template launch<kernels::Combine>(stream, config, params.combine);
    } else {
      Base::template launch<Stage>(stream, config, params);
    }
  }

 private:
  static constexpr ForwardPath kPaths[] = {ForwardPath::staged, ForwardPath::route_plan,
                                           ForwardPath::fused_layer, ForwardPath::coupled_layer};

  void route_and_plan(Stream& stream, const LaunchConfig& config,
                      const kernels::RoutePlanParams& params) {
    if (params.given_ids == nullptr) {
      inner_.template launch<kernels::Route>(stream, config, params.route);
    } else {
      const auto pairs = static_cast<std::size_t>(params.plan.num_tokens) *
                         static_cast<std::size_t>(params.plan.top_k);
      const auto give = [&]<class T>(T* to, const T* from) {
        inner_.copy(stream, as_writable_bytes(DeviceSpan<T>(to, pairs)),
                    as_bytes(DeviceSpan<const T>(from, pairs)));
      };
      give(params.plan.selected_ids, params.given_ids);
      give(params.plan.pair_weights, params.given_weights);
    }
    inner_.template launch<kernels::Plan>(stream, config, params.plan);
  }

  B& inner_;
};

}  // namespace switchyard::test
