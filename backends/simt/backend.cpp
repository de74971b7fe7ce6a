// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstdlib>
#include <string>

#include "backends/host/command.hpp"
#include "backends/host/processor.hpp"
#include "backends/simt/run_body.hpp"
#include "kernels/combine/simt.hpp"
#include "kernels/down/simt.hpp"
#include "kernels/gate/simt.hpp"
#include "kernels/gate_up/simt.hpp"
#include "kernels/plan/simt.hpp"
#include "kernels/route/simt.hpp"
#include "kernels/route_plan/simt.hpp"
#include "switchyard/backends/simt.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace {

[[nodiscard]] std::uint32_t seed_of(const SimtOptions& options) {
  if (options.seed != 0) return options.seed;
  const char* const raw = std::getenv("SWITCHYARD_SIMT_SEED");
  const std::string_view text = raw == nullptr ? "" : raw;
  if (text.empty()) return 1;
  std::uint32_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error != std::errc{} || end != text.data() + text.size())
    throw Error(ErrorCode::invalid_argument, "environment variable SWITCHYARD_SIMT_SEED is '" +
                                                 std::string(text) +
                                                 "', must be in [0, 4294967295]");
  return seed;
}

[[nodiscard]] DeviceInfo emulated_device(int wave_size) {
  DeviceInfo info = host::describe_processor();
  info.name = "emulated GPU, waves of " + std::to_string(wave_size) + ", on " + info.name;
  info.wave_size = wave_size;
  return info;
}

/// The launches of a stage, on the stream's thread.
template <class Params, int Wave>
void run_stage(const host::Command& command, const host::Worker& worker) {
  const auto params = command.read<Params>();
  auto& engine = *static_cast<simt::Engine*>(command.owner);
  kernels::simt::launch_all(
      params, Wave, [&]<class Body>(const kernels::simt::LaunchShape& shape, const Params& block) {
        simt::run_body<Body, Wave>(engine, worker.pool, shape, block);
      });
}

}  // namespace

template <int Wave>
SimtBackend<Wave>::SimtBackend(const SimtOptions& options)
    : HostSubstrate({.num_threads = options.num_threads}, emulated_device(Wave)),
      engine_(std::make_unique<simt::Engine>(seed_of(options))) {}

template <int Wave>
SimtBackend<Wave>::~SimtBackend() = default;

template <int Wave>
DeviceList SimtBackend<Wave>::devices() {
  return {{emulated_device(Wave)}, ""};
}

template <int Wave>
bool SimtBackend<Wave>::runs(ForwardPath path, const ForwardCall& call) const noexcept {
  return path == ForwardPath::staged ||
         (path == ForwardPath::route_plan && kernels::simt::route_plan_runs(call, Wave));
}

template <int Wave>
ForwardPath SimtBackend<Wave>::choose_path(const ForwardCall& call) const noexcept {
  return runs(ForwardPath::route_plan, call) ? ForwardPath::route_plan : ForwardPath::staged;
}

template <int Wave>
template <class Stage>
void SimtBackend<Wave>::launch(Stream& stream, const LaunchConfig& /*config*/,
                               const typename Stage::Params& params) {
  host::Command command = host::Command::make(&run_stage<typename Stage::Params, Wave>, params);
  command.owner = engine_.get();
  push(stream, command);
}

#define SWITCHYARD_SIMT_BODY(Wave, Stage)                                 \
  template SWITCHYARD_API void SimtBackend<Wave>::launch<kernels::Stage>( \
      Stream&, const LaunchConfig&, const kernels::Stage::Params&)
#define SWITCHYARD_SIMT_BACKEND(Wave)    \
  template class SimtBackend<Wave>;      \
  SWITCHYARD_SIMT_BODY(Wave, Gate);      \
  SWITCHYARD_SIMT_BODY(Wave, Route);     \
  SWITCHYARD_SIMT_BODY(Wave, Plan);      \
  SWITCHYARD_SIMT_BODY(Wave, RoutePlan); \
  SWITCHYARD_SIMT_BODY(Wave, GateUp);    \
  SWITCHYARD_SIMT_BODY(Wave, Down);      \
  SWITCHYARD_SIMT_BODY(Wave, Combine)
SWITCHYARD_SIMT_BACKEND(8);
SWITCHYARD_SIMT_BACKEND(32);
SWITCHYARD_SIMT_BACKEND(64);
#undef SWITCHYARD_SIMT_BACKEND
#undef SWITCHYARD_SIMT_BODY

}  // namespace switchyard
