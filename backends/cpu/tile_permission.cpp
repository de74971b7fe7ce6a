// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/tile_permission.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace switchyard::cpu {

#if defined(__x86_64__) && defined(__linux__)
namespace {

// Linux, arch/x86/include/uapi/asm/prctl.h and Documentation/arch/x86/xstate.rst.
constexpr long kGetSupported = 0x1021;
constexpr long kRequest = 0x1023;
constexpr unsigned long kTileData = 18;

}  // namespace

bool tiles_are_supported() noexcept {
  unsigned long features = 0;
  return ::syscall(SYS_arch_prctl, kGetSupported, &features) == 0 &&
         (features >> kTileData & 1UL) != 0;
}

bool request_tiles() noexcept {
  return ::syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}
#else
bool tiles_are_supported() noexcept {
  return false;
}

bool request_tiles() noexcept {
  return false;
}
#endif

}  // namespace switchyard::cpu
