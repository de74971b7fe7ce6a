// SPDX-License-Identifier: Apache-2.0
#include "backends/simt/fiber.hpp"

#if !defined(SWITCHYARD_SIMT_UCONTEXT)
extern "C" void switchyard_simt_switch(void** save, void* load);
asm(R"(
.text
.type switchyard_simt_switch,@function
.hidden switchyard_simt_switch
.globl switchyard_simt_switch
switchyard_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size switchyard_simt_switch, .-switchyard_simt_switch
)");
#endif

namespace switchyard::simt {

SWITCHYARD_ENGINE void Fiber::prepare(std::byte* stack, std::size_t stack_bytes, void (*entry)()) {
  SWITCHYARD_TSAN(if (tsan == nullptr) tsan = __tsan_create_fiber(0);)
  // Frames of the last run that did not return are at the top: entry, and what it ended in.
  SWITCHYARD_ASAN(constexpr std::size_t kTop = 4096; bottom = stack; size = stack_bytes;
                  __asan_unpoison_memory_region(stack + stack_bytes - kTop, kTop);)
#if defined(SWITCHYARD_SIMT_UCONTEXT)
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = stack_bytes;
  context.uc_link = nullptr;
  makecontext(&context, entry, 0);
#else
  constexpr int kSavedRegisters = 6;
  auto* top = reinterpret_cast<void**>(stack + stack_bytes);
  *--top = nullptr;  // a return address for entry, which keeps the stack aligned as a call would
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < kSavedRegisters; ++i) *--top = nullptr;
  stack_pointer = top;
#endif
}

SWITCHYARD_ENGINE void Fiber::discard() {
  SWITCHYARD_TSAN(
      if (tsan != nullptr) {  // what it did is in front of what its successor does on its stack
        void* const own = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(tsan, 1);
        __tsan_release(this);
        __tsan_switch_to_fiber(own, 1);
        __tsan_acquire(this);
        __tsan_destroy_fiber(tsan);
        tsan = nullptr;
      })
  SWITCHYARD_ASAN(
      if (bottom != nullptr) __asan_unpoison_memory_region(bottom, size);
      if (fake_stack != nullptr) {  // freed by pretending to switch to the fiber and to leave it
        void* own = nullptr;
        const void* own_bottom = nullptr;
        std::size_t own_size = 0;
        __sanitizer_start_switch_fiber(&own, bottom, size);
        __sanitizer_finish_switch_fiber(fake_stack, &own_bottom, &own_size);
        __sanitizer_start_switch_fiber(nullptr, own_bottom, own_size);
        __sanitizer_finish_switch_fiber(own, nullptr, nullptr);
        fake_stack = nullptr;
      })
}

SWITCHYARD_ENGINE void Fiber::entered([[maybe_unused]] Fiber& launcher) {
  SWITCHYARD_ASAN(const bool first = launcher.bottom == nullptr;
                  __sanitizer_finish_switch_fiber(nullptr, first ? &launcher.bottom : nullptr,
                                                  first ? &launcher.size : nullptr);)
}

SWITCHYARD_ENGINE void Fiber::switch_between(Fiber& from, Fiber& to,
                                             [[maybe_unused]] bool leaving) {
  SWITCHYARD_ASAN(
      __sanitizer_start_switch_fiber(leaving ? nullptr : &from.fake_stack, to.bottom, to.size);)
  SWITCHYARD_TSAN(__tsan_switch_to_fiber(to.tsan, 1 /* no synchronization */);)
#if defined(SWITCHYARD_SIMT_UCONTEXT)
  swapcontext(&from.context, &to.context);
#else
  switchyard_simt_switch(&from.stack_pointer, to.stack_pointer);
#endif
  SWITCHYARD_ASAN(__sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
                  from.fake_stack = nullptr;)
}

}  // namespace switchyard::simt
