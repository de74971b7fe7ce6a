// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "switchyard/backends/vulkan.hpp"
#include "vulkan_fault/checks.hpp"
#include "vulkan_fault/fault_loader.hpp"
#include "vulkan_fault/use.hpp"

namespace switchyard::fault {

void check_memory() {
  constexpr std::size_t kBytes = std::size_t{48} << 20U;  // more than a block usually has
  constexpr const char* kAllocate = "vkAllocateMemory";
  switchyard_fault_at(0);
  VulkanBackend backend;
  const auto allocate = [&](std::size_t bytes) {
    static_cast<void>(backend.allocate<std::byte>(bytes));
  };
  allocate(kBytes);
  switchyard_fault_next(kAllocate, 2);
  allocate(kBytes);  // of the block that is kept
  expect_error(ErrorCode::out_of_memory, "vkAllocateMemory of ", [&] { allocate(2 * kBytes); });
  static_cast<void>(use(backend));

  allocate(kBytes);
  switchyard_fault_next(kAllocate, 1);
  allocate(2 * kBytes);  // once unused blocks have gone back
  switchyard_fault_next(kAllocate, 1);
  allocate(3 * kBytes);  // and the one of 2 * kBytes as well, so that another is needed for it:
  switchyard_fault_next(kAllocate, 2);
  expect_error(ErrorCode::out_of_memory, "vkAllocateMemory of ", [&] { allocate(4 * kBytes); });
  switchyard_fault_next(kAllocate, 2);
  expect_error(ErrorCode::out_of_memory, "vkAllocateMemory of ", [&] { allocate(kBytes); });
  static_cast<void>(use(backend));

  const auto held = backend.allocate<std::byte>(kBytes);  // in use: stays where it is
  switchyard_fault_next(kAllocate, 1);
  const auto more = backend.allocate<std::byte>(2 * kBytes);
  auto stream = backend.make_stream();
  backend.fill(stream, held.span(), std::byte{1});
  backend.fill(stream, more.span(), std::byte{2});
  backend.synchronize(stream);
}

}  // namespace switchyard::fault
