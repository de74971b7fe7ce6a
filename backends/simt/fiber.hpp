// SPDX-License-Identifier: Apache-2.0
// A stack to run on, and the switch between two of them: 15 instructions on x86-64, ucontext
// elsewhere (or where SWITCHYARD_SIMT_UCONTEXT is defined).
#pragma once

#include <cstddef>

#include "backends/simt/sanitizers.hpp"

#if !defined(__x86_64__) && !defined(SWITCHYARD_SIMT_UCONTEXT)
#define SWITCHYARD_SIMT_UCONTEXT
#endif
#if defined(SWITCHYARD_SIMT_UCONTEXT)
#include <ucontext.h>
#endif

namespace switchyard::simt {

struct Fiber {
#if defined(SWITCHYARD_SIMT_UCONTEXT)
  ucontext_t context;
#else
  void* stack_pointer = nullptr;
#endif
  SWITCHYARD_TSAN(void* tsan = nullptr;)
  SWITCHYARD_ASAN(void* fake_stack = nullptr; const void* bottom = nullptr; std::size_t size = 0;)

  /// Makes the next switch to this fiber call `entry`, which never returns, on the given stack.
  void prepare(std::byte* stack, std::size_t stack_bytes, void (*entry)());

  /// Frees what the sanitizers hold for this fiber, which is not resumed; it can be prepared again.
  void discard();

  /// The first thing to do on a fiber entered for the first time. The first of all is entered from
  /// `launcher`, a thread of the host, whose `bottom` is null until then.
  static void entered(Fiber& launcher);

  /// Runs `to` from where it left off. `leaving`: `from` is not resumed again.
  static void switch_between(Fiber& from, Fiber& to, bool leaving);
};

}  // namespace switchyard::simt
