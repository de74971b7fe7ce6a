// SPDX-License-Identifier: Apache-2.0
// The arguments of ProbingBackend's probes.
#pragma once

#include <cstddef>
#include <string>

#include "switchyard/device_span.hpp"
#include "switchyard/error.hpp"
#include "switchyard/probing.hpp"

namespace switchyard::core {

/// Throws Error{invalid_argument} unless a probe may read `from` and write to `sink`.
inline void check_probe(DeviceSpan<const std::byte> from, DeviceSpan<std::byte> sink) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorCode::invalid_argument, what);
  };
  if (from.size() % 16 != 0)
    refuse("from has " + std::to_string(from.size()) + " bytes, must have a multiple of 16");
  if (sink.size() < kProbeSinkBytes)
    refuse("sink has " + std::to_string(sink.size()) + " bytes, must have " +
           std::to_string(kProbeSinkBytes));
}

}  // namespace switchyard::core
