// SPDX-License-Identifier: Apache-2.0
// Memory of a thread that runs tasks.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "switchyard/backends/host.hpp"

namespace switchyard::host {

inline constexpr std::size_t kScratchBytes = std::size_t{1} << 20U;

/// kScratchBytes, aligned as every allocation of the backend. Contents carry nothing from one task
/// to the next. Pages that no body touches cost nothing.
class Scratch {
 public:
  /// Throws Error{out_of_memory}.
  Scratch() : memory_(static_cast<std::byte*>(allocate_bytes(kScratchBytes))) {}
  Scratch(Scratch&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~Scratch() { free_bytes(memory_, kScratchBytes); }

  [[nodiscard]] std::span<std::byte> span() const noexcept { return {memory_, kScratchBytes}; }

 private:
  std::byte* memory_;
};

}  // namespace switchyard::host
