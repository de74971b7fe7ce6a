// SPDX-License-Identifier: Apache-2.0
// Runs one MoE layer once on a backend and reads everything back.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends.hpp"
#include "elements.hpp"
#include "host_plan.hpp"
#include "layer_input.hpp"
#include "profiling_backend.hpp"
#include "statistics.hpp"
#include "switchyard/moe_layer.hpp"

namespace switchyard::tools {

/// How a layer is run.
struct LayerRunOptions {
  DeviceChoice device;
  std::optional<RoutePath> route;   ///< Unset: the library's choice for a call with a bundle.
  std::optional<ForwardPath> path;  ///< Unset: the backend's choice.
  std::int32_t block_size = 0;      ///< Fixed, so that the plan is the same on every path.
};

/// Time of the launches of a stage in one call.
struct StageTime {
  std::string stage;
  double microseconds = 0.0;
};

/// What a run leaves.
struct LayerRun {
  std::string backend;
  std::string device;
  int host_threads = 0;  ///< 0 where the backend runs on no host threads.
  RoutePath route = RoutePath::device;
  ForwardPath path = ForwardPath::staged;
  std::string description;    ///< MoeLayer::describe.
  std::vector<float> output;  ///< [T, H]
  HostPlan plan;
  std::vector<std::string> launches;  ///< Stages of one call in order.
  std::vector<StageTime> stages;      ///< Medians over a few calls.
  double total_us = 0.0;              ///< Median of whole calls.
};

namespace detail {

/// Repeats a profiled call a few times: at most 5, at most a quarter of a second.
template <class P, class Call>
void measure_stages(P& backend, typename P::Stream& stream, const Call& call, LayerRun& run) {
  using Clock = std::chrono::steady_clock;
  auto start_event = backend.make_event();
  auto stop_event = backend.make_event();
  std::vector<double> totals;
  std::vector<std::vector<double>> samples;
  const auto begin = Clock::now();
  do {
    backend.start_profile();
    backend.record(stream, start_event);
    call();
    backend.record(stream, stop_event);
    const std::vector<LaunchTime> launches = backend.finish_profile(stream);
    totals.push_back(backend.elapsed_us(start_event, stop_event));
    const std::vector<LaunchTime> stages = by_stage(launches);
    if (samples.empty()) {
      samples.resize(stages.size());
      for (const LaunchTime& launch : launches) {
        run.launches.emplace_back(launch.stage);
      }
      for (const LaunchTime& stage : stages) {
        run.stages.push_back({std::string(stage.stage), 0.0});
      }
    }
    for (std::size_t i = 0; i < stages.size(); ++i) {
      samples[i].push_back(stages[i].microseconds);
    }
  } while (totals.size() < 5 && Clock::now() - begin < std::chrono::milliseconds(250));
  run.total_us = summarize(totals).median;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    run.stages[i].microseconds = summarize(samples[i]).median;
  }
}

}  // namespace detail

/// Loads the layer's weights onto a backend B and runs it on `input`.
template <Backend B>
[[nodiscard]] LayerRun run_layer(const LayerConfig& config, const HostMoeWeights& weights,
                                 const LayerInput& input, const LayerRunOptions& options) {
  using P = ProfilingBackend<B>;
  B inner = make_backend<B>(options.device);
  P backend(inner);
  auto stream = backend.make_stream();
  MoeLayer<P> layer(backend, stream, config, weights,
                    {.route_path = options.route,
                     .forward_path = options.path,
                     .block_size = options.block_size});
  const MoeScratch<P> scratch(backend, plan_workspace(config, input.num_tokens));

  const std::vector<std::byte> states = to_bytes(input.hidden_states, config.activation_dtype);
  auto device_states = backend.template allocate<std::byte>(states.size());
  auto device_output = backend.template allocate<std::byte>(states.size());
  backend.upload(stream, device_states.span(), states);

  MoeInputs inputs;
  inputs.hidden_states = {device_states.span().data(), config.activation_dtype, input.num_tokens,
                          config.hidden_size};
  inputs.output = {device_output.span().data(), config.activation_dtype, input.num_tokens,
                   config.hidden_size};
  const bool pass_bundle = options.route != RoutePath::host;
  const DeviceRouteScratch<P> bundle = scratch.route(input.num_tokens);
  const auto forward = [&] {
    return layer.forward(stream, inputs, scratch.intermediates(), pass_bundle ? &bundle : nullptr);
  };

  LayerRun run;
  run.backend = B::kName;
  run.device = backend.info().name;
  run.host_threads = host_threads(inner);
  run.route = layer.route_path(pass_bundle);
  if (run.route == RoutePath::device) run.path = layer.forward_path(inputs);
  run.description = layer.describe(input.num_tokens);
  const RoutePlan<P> plan = forward();
  std::vector<std::byte> output(states.size());
  backend.download(stream, output, DeviceSpan<const std::byte>(device_output.span()));
  run.plan = download_plan(backend, stream, plan, config, input.num_tokens);
  run.output = to_floats(output, config.activation_dtype);
  detail::measure_stages(backend, stream, forward, run);
  return run;
}

}  // namespace switchyard::tools
