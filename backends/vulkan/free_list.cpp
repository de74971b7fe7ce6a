// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/free_list.hpp"

#include <algorithm>
#include <iterator>

namespace switchyard::vulkan {

std::optional<std::uint64_t> FreeList::take(std::uint64_t bytes) {
  const auto part = std::find_if(free_.begin(), free_.end(),
                                 [bytes](const auto& entry) { return entry.second >= bytes; });
  if (part == free_.end()) return std::nullopt;
  const auto [start, length] = *part;
  taken_.emplace(start, bytes);
  auto node = free_.extract(part);
  if (length > bytes) {
    node.key() = start + bytes;
    node.mapped() = length - bytes;
    free_.insert(std::move(node));
  }
  return start;
}

bool FreeList::give(std::uint64_t start) noexcept {
  auto node = taken_.extract(start);
  if (node.empty()) return false;
  auto part = free_.insert(std::move(node)).position;
  if (const auto next = std::next(part);
      next != free_.end() && part->first + part->second == next->first) {
    part->second += next->second;
    free_.erase(next);
  }
  if (part == free_.begin()) return true;
  if (const auto before = std::prev(part); before->first + before->second == part->first) {
    before->second += part->second;
    free_.erase(part);
  }
  return true;
}

bool FreeList::is_taken(std::uint64_t start, std::uint64_t bytes) const noexcept {
  const auto after = taken_.upper_bound(start);
  if (after == taken_.begin()) return false;
  const auto& [first, length] = *std::prev(after);
  const std::uint64_t offset = start - first;
  return offset <= length && bytes <= length - offset;
}

}  // namespace switchyard::vulkan
