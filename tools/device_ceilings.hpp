// SPDX-License-Identifier: Apache-2.0
// The ceilings of the device of a backend, whose stages no host thread runs.
#pragma once

#include <cstddef>

#include "bench_timer.hpp"
#include "machine.hpp"
#include "switchyard/backend.hpp"
#include "switchyard/probing.hpp"

namespace switchyard::tools {

/// Bytes per second of the fastest of many passes over a gigabyte: read, or copied (reads and
/// writes counted) where the backend has no probe.
template <Backend B>
[[nodiscard]] double measure_device_reads(B& backend) {
  constexpr std::size_t kBytes = std::size_t{1} << 30U;
  auto stream = backend.make_stream();
  auto from = backend.template allocate<std::byte>(kBytes);
  const DeviceSpan<const std::byte> bytes(from.span());
  backend.fill(stream, from.span(), std::byte{1});
  CallTimer<B> timer(backend, stream);
  const TimeBudget budget{.warm_up_seconds = 0.02, .seconds = 0.1, .least = 6, .runs = {}};
  if constexpr (ProbingBackend<B>) {
    auto sink = backend.template allocate<std::byte>(kProbeSinkBytes);
    const Summary us = timer.device_us(
        0, budget, [&](std::size_t) { backend.probe_reads(stream, bytes, sink.span()); });
    return 1e6 * static_cast<double>(kBytes) / us.min;
  } else {
    auto to = backend.template allocate<std::byte>(kBytes);
    const Summary us =
        timer.device_us(0, budget, [&](std::size_t) { backend.copy(stream, to.span(), bytes); });
    return 2e6 * static_cast<double>(kBytes) / us.min;
  }
}

/// Operations per second of matrix products of 16-bit elements, once the device's clocks have
/// settled; 0: unknown.
template <Backend B>
[[nodiscard]] double measure_device_flops(B& backend) {
  if constexpr (ProbingBackend<B>) {
    auto stream = backend.make_stream();
    auto sink = backend.template allocate<std::byte>(kProbeSinkBytes);
    double operations = 0.0;
    CallTimer<B> timer(backend, stream);
    const TimeBudget budget{.warm_up_seconds = 0.5, .seconds = 0.3, .runs = {}};
    const Summary us = timer.device_us(
        0, budget, [&](std::size_t) { operations = backend.probe_products(stream, sink.span()); });
    return operations > 0.0 ? 1e6 * operations / us.median : 0.0;
  } else {
    return 0.0;
  }
}

}  // namespace switchyard::tools
