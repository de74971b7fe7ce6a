// SPDX-License-Identifier: Apache-2.0
// The stages that the CPU backend has bodies for.
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

template <class Params>
void run_stage(const host::Command& command, host::ThreadPool& pool) {
  const auto params = command.read<Params>();
  const host::Job job{[](const void* block, std::int64_t first, std::int64_t last) {
                        kernels::reference::run(*static_cast<const Params*>(block), first, last);
                      },
                      &params, kernels::reference::num_tasks(params)};
  pool.run(job, command.max_threads);
}

}  // namespace

template <class Stage>
void CpuBackend::launch(Stream& stream, const LaunchConfig& config,
                        const typename Stage::Params& params) {
  host::Command command = host::Command::make(&run_stage<typename Stage::Params>, params);
  command.max_threads = config.max_threads;
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
