// SPDX-License-Identifier: Apache-2.0
// Small layers and calls, and the operations that a call of each kind is made of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/recording_backend.hpp"
#include "support/run_call.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::test {

using Log = std::vector<std::string>;

inline LayerCase layer_with(bool shared, bool gated, bool mapped) {
  Random random(71);
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = 20;
  config.intermediate_size = 12;
  config.num_experts = 6;
  config.top_k = 2;
  if (shared) config.shared_expert = {10, gated};
  if (mapped) {
    config.num_local_experts = 2;
    layer.expert_map = {-1, 0, -1, 1, -1, -1};
  }
  fill_tensors(random, layer, false);
  return layer;
}

inline CallCase call_with(const LayerCase& layer, Routing routing, bool live, bool residual) {
  Random random(72);
  CallCase call = random_call(random, layer, 9, routing);
  call.live_tokens.reset();
  if (live) call.live_tokens = 5;
  call.residual = Tensor();
  if (residual) {
    call.residual = Tensor(normals(random, 9 * 20), layer.config.activation_dtype, {1, 9, 20});
  }
  call.residual_is_output = call.output_is_hidden_states = false;
  return call;
}

/// Every configuration that changes what is enqueued.
template <class Visit>
void for_each_configuration(Visit&& visit) {
  for (const int shared : {0, 1, 2}) {
    for (const bool mapped : {false, true}) {
      for (const Routing routing : {Routing::gate, Routing::logits, Routing::preselected}) {
        for (const bool live : {false, true}) {
          for (const bool residual : {false, true}) {
            INFO("shared " << shared << " mapped " << mapped << " routing "
                           << static_cast<int>(routing) << " live " << live << " residual "
                           << residual);
            const LayerCase layer = layer_with(shared > 0, shared == 2, mapped);
            visit(layer, call_with(layer, routing, live, residual), routing);
          }
        }
      }
    }
  }
}

/// What leaves the plan on a path of the device.
inline Log expected_plan(Routing routing, ForwardPath path) {
  Log log;
  if (routing == Routing::gate) log.push_back("launch gate");
  if (path == ForwardPath::route_plan) {
    log.push_back("launch route_plan");
  } else if (routing == Routing::preselected) {
    log.insert(log.end(), {"copy", "copy", "launch plan"});
  } else {
    log.insert(log.end(), {"launch route", "launch plan"});
  }
  return log;
}

inline Log expected_shared_expert(const LayerConfig& config) {
  Log log;
  if (config.shared_expert.intermediate_size > 0)
    log.insert(log.end(), {"launch gate_up", "launch down"});
  if (config.shared_expert.gated) log.push_back("launch gate");
  return log;
}

inline Log joined(Log first, const Log& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

inline Log expected_experts(const LayerConfig& config) {
  return joined(joined({"launch gate_up", "launch down"}, expected_shared_expert(config)),
                {"launch combine"});
}

/// The whole forward on a path of the device.
inline Log expected_forward(const LayerConfig& config, Routing routing, ForwardPath path) {
  if (!is_whole_layer(path)) return joined(expected_plan(routing, path), expected_experts(config));
  const Log gate = routing == Routing::gate ? Log{"launch gate"} : Log{};
  return joined(joined(gate, expected_shared_expert(config)),
                {"launch " + std::string(name(path))});
}

inline Log launches(const Log& log) {
  Log result;
  std::copy_if(log.begin(), log.end(), std::back_inserter(result),
               [](const std::string& operation) { return operation.starts_with("launch"); });
  return result;
}

inline std::int64_t count(const Log& log, const std::string& operation) {
  return std::count(log.begin(), log.end(), operation);
}

/// A layer on a backend that keeps a log of what it passes on to B, and the memory of one call.
template <class B, class Recorder = RecordingBackend<B>>
struct Recorded {
  Recorded(std::shared_ptr<B> backend, const LayerCase& layer_case, const CallCase& call,
           const LayerOptions& options = {})
      : session{std::move(backend)},
        recorder(session.backend),
        layer(recorder, session.stream, layer_case.config, layer_case.host(), options),
        memory(session, layer_case.config, call, Placement::slab, kPoisons[1]) {
    static_cast<RouteBuffers&>(route) = memory.route();
    static_cast<IntermediateBuffers&>(intermediates) = memory.intermediates();
    static_cast<void>(recorder.take_log());
  }
  ~Recorded() { session.backend.synchronize(session.stream); }

  Log forward(bool bundle) {
    static_cast<void>(
        layer.forward(session.stream, memory.inputs(), intermediates, bundle ? &route : nullptr));
    return recorder.take_log();
  }

  Session<B> session;
  Recorder recorder;
  MoeLayer<Recorder> layer;
  CallMemory<B> memory;
  DeviceRouteScratch<Recorder> route;
  MoeIntermediates<Recorder> intermediates;
};

}  // namespace switchyard::test
