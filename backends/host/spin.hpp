// SPDX-License-Identifier: Apache-2.0
// Waiting without the system, for a short while.
#pragma once

#include <chrono>

namespace switchyard::host {

/// Tells the processor that a loop waits.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Whether `ready` came true within 20 us or so.
template <class Ready>
[[nodiscard]] bool spin_until(const Ready& ready) noexcept {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds kLimit{20};
  if (ready()) return true;
  const auto end = Clock::now() + kLimit;
  do {
    for (int i = 0; i < 16; ++i) {
      relax();
      if (ready()) return true;
    }
  } while (Clock::now() < end);
  return false;
}

}  // namespace switchyard::host
