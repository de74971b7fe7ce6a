// SPDX-License-Identifier: Apache-2.0
/// \file
/// An emulated GPU on the host: runs the SIMT bodies, the ones that real GPUs run, thread by
/// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "switchyard/backend.hpp"
#include "switchyard/backends/host.hpp"
#include "switchyard/export.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard {

namespace simt {
class Engine;
}

/// Choices of a SimtBackend.
struct SimtOptions {
  int num_threads = 0;  ///< Host threads that run blocks, as in HostOptions.
  /// Shuffles the order in which emulated threads run. 0: the environment variable
  /// SWITCHYARD_SIMT_SEED, else 1. Results do not depend on it; error messages print it.
  std::uint32_t seed = 0;
};

/// A Backend that emulates a GPU with waves of `Wave` lanes: 8, 32 or 64. For tests: it is slow,
/// and it detects what a GPU leaves undefined. A barrier that not all threads reach, threads that
/// meet in different places, an exit under a barrier, deadlock, shared memory out of bounds or read
/// before it is written are Error{device_failure}, thrown by the stream's next synchronize. Under
/// the thread sanitizer every emulated thread is a fiber, so that a missing barrier is a data race
/// at the body's line.
template <int Wave>
class SWITCHYARD_API SimtBackend : public HostSubstrate {
 public:
  static_assert(Wave == 8 || Wave == 32 || Wave == 64);
  static constexpr std::string_view kName =
      Wave == 8 ? "simt8" : (Wave == 32 ? "simt32" : "simt64");

  explicit SimtBackend(const SimtOptions& options = {});
  ~SimtBackend();

  [[nodiscard]] static DeviceList devices();

  [[nodiscard]] static constexpr std::span<const ForwardPath> forward_paths() { return kPaths; }
  [[nodiscard]] bool runs(ForwardPath path, const ForwardCall& call) const noexcept;
  [[nodiscard]] ForwardPath choose_path(const ForwardCall& call) const noexcept;

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params);

 private:
  static constexpr ForwardPath kPaths[] = {ForwardPath::staged, ForwardPath::route_plan};

  std::unique_ptr<simt::Engine> engine_;
};

using Simt8Backend = SimtBackend<8>;
using Simt32Backend = SimtBackend<32>;
using Simt64Backend = SimtBackend<64>;

static_assert(FusingBackend<Simt8Backend> && FusingBackend<Simt32Backend> &&
              FusingBackend<Simt64Backend>);

}  // namespace switchyard
