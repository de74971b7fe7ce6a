// SPDX-License-Identifier: Apache-2.0
/// \file
/// What a device can do at most, and what a graph holds: for measurements.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "switchyard/backend.hpp"

namespace switchyard {

/// Bytes of the sink of a probe.
inline constexpr std::size_t kProbeSinkBytes = std::size_t{1} << 20U;

/// A Backend with probes: launches that do nothing but what a ceiling is of.
///
///   probe_reads(stream, from, sink)  reads each byte of `from`, a multiple of 16, once
///   probe_products(stream, sink)     multiplies matrices of 16-bit elements that lie in the
///                                    multiprocessors, for about a millisecond. Returns the
///                                    floating-point operations, 0 where it enqueued nothing.
///
/// What keeps the work from being left out goes to `sink`, [kProbeSinkBytes].
template <class B>
concept ProbingBackend = Backend<B> &&
    requires(B& backend, typename B::Stream& stream, DeviceSpan<const std::byte> from,
             DeviceSpan<std::byte> sink) {
  { backend.probe_reads(stream, from, sink) } -> std::same_as<void>;
  { backend.probe_products(stream, sink) } -> std::same_as<double>;
};

/// A Backend that says of how many launches (and copies, fills, events, graphs) a graph is made.
template <class B>
concept CountingBackend = Backend<B> && requires(const B& backend, const typename B::Graph& graph) {
  { backend.num_nodes(graph) } -> std::same_as<std::int64_t>;
};

}  // namespace switchyard
