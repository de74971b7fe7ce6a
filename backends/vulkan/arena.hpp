// SPDX-License-Identifier: Apache-2.0
// Device memory in blocks that are divided. What is freed stays for later allocations, so that
// operations that still use it do no worse than to meet their successors.
#pragma once

#include <map>
#include <mutex>

#include "backends/vulkan/free_list.hpp"
#include "backends/vulkan/memory.hpp"

namespace switchyard::vulkan {

/// Any thread may call any member.
class Arena {
 public:
  Arena(const LogicalDevice& device, const PhysicalDevice& physical) noexcept
      : device_(device), physical_(physical) {}

  /// Memory aligned to 256 bytes; 0 for 0 bytes. Where the device has no more, waits for it to be
  /// idle and gives back blocks without allocations before it throws Error{out_of_memory}.
  [[nodiscard]] VkDeviceAddress allocate(std::uint64_t bytes);
  /// What allocate returned.
  void free(VkDeviceAddress address) noexcept;

  /// Memory as Vulkan's own copies name it.
  struct Place {
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceSize offset = 0;
  };
  /// Throws Error{invalid_argument} where `bytes` bytes at `address` are not inside an allocation.
  [[nodiscard]] Place find(VkDeviceAddress address, std::uint64_t bytes) const;

 private:
  struct Block {
    explicit Block(Memory memory_in) : memory(std::move(memory_in)), parts(memory.size()) {}
    Memory memory;
    FreeList parts;
  };
  using Blocks = std::map<VkDeviceAddress, Block>;

  /// Memory of `bytes` bytes and more to come, or no more where memory is short.
  [[nodiscard]] Memory make_block(std::uint64_t bytes);
  /// Takes `bytes` bytes from a new block.
  [[nodiscard]] VkDeviceAddress add_block(std::uint64_t bytes);

  const LogicalDevice& device_;
  const PhysicalDevice& physical_;
  mutable std::mutex mutex_;  // guards blocks_
  Blocks blocks_;
};

}  // namespace switchyard::vulkan
