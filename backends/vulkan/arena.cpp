// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/arena.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "backends/vulkan/device.hpp"
#include "core/out_of_memory.hpp"
#include "switchyard/error.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::uint64_t kAlignment = 256;
constexpr std::uint64_t kBlockBytes = std::uint64_t{32} << 20U;

}  // namespace

VkDeviceAddress Arena::allocate(std::uint64_t bytes) {
  if (bytes == 0) return 0;
  const std::uint64_t most = physical_.max_allocation_bytes / kAlignment * kAlignment;
  if (bytes > most)
    throw Error(ErrorCode::out_of_memory, "cannot allocate " + std::to_string(bytes) +
                                              " bytes of device memory, the device's limit is " +
                                              std::to_string(most));
  const std::uint64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return core::translate_bad_alloc([&] {
    const std::scoped_lock lock(mutex_);
    for (auto& [base, block] : blocks_)
      if (const auto start = block.parts.take(rounded)) return base + *start;
    return add_block(rounded);
  });
}

Memory Arena::make_block(std::uint64_t bytes) {
  const std::uint64_t usual = std::min(kBlockBytes, physical_.max_allocation_bytes);
  try {
    return {device_, physical_, MemoryKind::device, std::max(bytes, usual)};
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory) throw;
  }
  device_.wait_idle();
  std::erase_if(blocks_, [](const auto& entry) { return entry.second.parts.nothing_taken(); });
  return {device_, physical_, MemoryKind::device, bytes};
}

VkDeviceAddress Arena::add_block(std::uint64_t bytes) {
  Memory memory = make_block(bytes);
  const VkDeviceAddress base = memory.address();
  if (base % kAlignment != 0)
    throw Error(ErrorCode::device_failure, "device memory is not aligned to 256 bytes");
  Block& block = blocks_.try_emplace(base, std::move(memory)).first->second;
  return base + block.parts.take(bytes).value();
}

void Arena::free(VkDeviceAddress address) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto after = blocks_.upper_bound(address);
  if (after == blocks_.begin()) return;
  const auto block = std::prev(after);
  block->second.parts.give(address - block->first);
}

Arena::Place Arena::find(VkDeviceAddress address, std::uint64_t bytes) const {
  const std::scoped_lock lock(mutex_);
  const auto after = blocks_.upper_bound(address);
  if (after != blocks_.begin()) {
    const auto& [base, block] = *std::prev(after);
    if (block.parts.is_taken(address - base, bytes)) return {block.memory.buffer(), address - base};
  }
  throw Error(ErrorCode::invalid_argument, "device address is " + std::to_string(address) +
                                               " for " + std::to_string(bytes) +
                                               " bytes, must lie in a buffer of this device");
}

}  // namespace switchyard::vulkan
