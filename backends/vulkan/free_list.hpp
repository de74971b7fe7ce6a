// SPDX-License-Identifier: Apache-2.0
// Which parts of a block of memory are free.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace switchyard::vulkan {

/// Divides [0, size). First fit; neighbours join when they are freed.
class FreeList {
 public:
  explicit FreeList(std::uint64_t size) { free_.emplace(0, size); }

  /// The start of `bytes` > 0 bytes, or nothing where no free part is as long.
  [[nodiscard]] std::optional<std::uint64_t> take(std::uint64_t bytes);
  /// Gives back what starts at `start`. Does not allocate. False: nothing that was taken starts
  /// there.
  bool give(std::uint64_t start) noexcept;

  [[nodiscard]] bool nothing_taken() const noexcept { return taken_.empty(); }
  /// Whether [start, start + bytes) lies in one part that was taken.
  [[nodiscard]] bool is_taken(std::uint64_t start, std::uint64_t bytes) const noexcept;

 private:
  using Parts = std::map<std::uint64_t, std::uint64_t>;  // start -> length

  Parts free_;
  Parts taken_;
};

}  // namespace switchyard::vulkan
