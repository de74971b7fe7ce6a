// SPDX-License-Identifier: Apache-2.0
// One operation of a stream, as data: it can be queued, stored in a graph and replayed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "backends/host/event.hpp"
#include "backends/host/worker.hpp"
#include "kernels/param_block.hpp"

namespace switchyard::host {

struct Command {
  /// Runs the operation on the stream's thread.
  using Run = void (*)(const Command& command, const Worker& worker);

  enum class EventUse : std::uint8_t { none, record, wait };

  Run run = nullptr;
  alignas(void*) std::array<std::byte, kernels::kMaxFusedParamBytes> params{};
  int max_threads = 0;
  void* owner = nullptr;  // the backend's own state, where a body needs it
  EventUse event_use = EventUse::none;
  std::shared_ptr<EventState> event;
  std::uint64_t event_number = 0;  // given when the command is queued, not when it is recorded

  template <class Params>
  requires(kernels::kIsFusedParamBlock<Params>) [[nodiscard]] static Command
      make(Run run, const Params& block) {
    Command command;
    command.run = run;
    std::memcpy(command.params.data(), &block, sizeof block);
    return command;
  }

  template <class Params>
  [[nodiscard]] Params read() const {
    Params block;
    std::memcpy(&block, params.data(), sizeof block);
    return block;
  }
};

}  // namespace switchyard::host
