// SPDX-License-Identifier: Apache-2.0
// The stages that the CPU backend has bodies for.
#include <span>

#include "backends/cpu/bodies.hpp"
#include "backends/host/command.hpp"
#include "kernels/combine/reference.hpp"
#include "kernels/down/reference.hpp"
#include "kernels/gate/reference.hpp"
#include "kernels/gate_up/reference.hpp"
#include "kernels/plan/reference.hpp"
#include "kernels/route/reference.hpp"
#include "switchyard/backends/cpu.hpp"

namespace switchyard {
namespace {

using cpu::Bodies;

[[nodiscard]] const Bodies& bodies_of(const host::Command& command) {
  return *static_cast<const Bodies*>(command.owner);
}

template <class Params>
void run_reference(const Params& params, std::int64_t first, std::int64_t last,
                   std::span<std::byte> /*scratch*/) {
  kernels::reference::run(params, first, last);
}

/// What a job of a stage refers to.
template <class Params>
struct PlainCall {
  const Params& params;
  cpu::PlainBody<Params> body;

  static void run(const void* call, std::int64_t first, std::int64_t last,
                  std::span<std::byte> scratch) {
    const auto& self = *static_cast<const PlainCall*>(call);
    self.body(self.params, first, last, scratch);
  }
};

template <class Params>
void run_plain(const host::Command& command, const host::Worker& worker, const Params& params,
               cpu::PlainBody<Params> tuned) {
  const PlainCall<Params> call{params, tuned == nullptr ? &run_reference<Params> : tuned};
  worker.run({&PlainCall<Params>::run, &call, kernels::reference::num_tasks(params)},
             command.max_threads);
}

template <class Params>
struct ProductCall {
  const Params& params;
  cpu::ProductTasks tasks;
  cpu::ProductBody<Params> body;

  static void run(const void* call, std::int64_t first, std::int64_t last,
                  std::span<std::byte> scratch) {
    const auto& self = *static_cast<const ProductCall*>(call);
    self.body(self.params, self.tasks, first, last, scratch);
  }
};

template <class Params>
void run_product(const host::Command& command, const host::Worker& worker, const Params& params,
                 cpu::ProductBody<Params> tuned, const cpu::Panels& panels) {
  if (tuned == nullptr) return run_plain<Params>(command, worker, params, nullptr);
  const ProductCall<Params> call{params, cpu::cut(params, panels, worker.pool.num_threads()),
                                 tuned};
  worker.run({&ProductCall<Params>::run, &call, call.tasks.num_tasks, 1}, command.max_threads);
}

void run_stage(const host::Command& command, const host::Worker& worker,
               const kernels::GateUpParams& params) {
  const Bodies& bodies = bodies_of(command);
  const bool pairs = cpu::holds_pairs(params.weight_layout);
  run_product(command, worker, params, pairs ? bodies.pair_gate_up : bodies.gate_up,
              cpu::gate_up_panels(params, bodies.columns));
}
void run_stage(const host::Command& command, const host::Worker& worker,
               const kernels::DownParams& params) {
  const Bodies& bodies = bodies_of(command);
  const bool pairs = cpu::holds_pairs(params.weight_layout);
  run_product(command, worker, params, pairs ? bodies.pair_down : bodies.down,
              cpu::down_panels(params, bodies.columns));
}
void run_stage(const host::Command& command, const host::Worker& worker,
               const kernels::GateParams& params) {
  run_plain(command, worker, params, bodies_of(command).gate);
}
void run_stage(const host::Command& command, const host::Worker& worker,
               const kernels::CombineParams& params) {
  run_plain(command, worker, params, bodies_of(command).combine);
}
/// A stage with one body for all.
template <class Params>
void run_stage(const host::Command& command, const host::Worker& worker, const Params& params) {
  run_plain<Params>(command, worker, params, nullptr);
}

}  // namespace

template <class Stage>
void CpuBackend::launch(Stream& stream, const LaunchConfig& config,
                        const typename Stage::Params& params) {
  host::Command command = host::Command::make(
      [](const host::Command& self, const host::Worker& worker) {
        run_stage(self, worker, self.read<typename Stage::Params>());
      },
      params);
  command.max_threads = config.max_threads;
  command.owner = bodies_.get();
  push(stream, command);
}

#define SWITCHYARD_CPU_BODY(Stage)                                                              \
  template SWITCHYARD_API void CpuBackend::launch<kernels::Stage>(Stream&, const LaunchConfig&, \
                                                                  const kernels::Stage::Params&)
SWITCHYARD_CPU_BODY(Gate);
SWITCHYARD_CPU_BODY(Route);
SWITCHYARD_CPU_BODY(Plan);
SWITCHYARD_CPU_BODY(GateUp);
SWITCHYARD_CPU_BODY(Down);
SWITCHYARD_CPU_BODY(Combine);
#undef SWITCHYARD_CPU_BODY

}  // namespace switchyard
