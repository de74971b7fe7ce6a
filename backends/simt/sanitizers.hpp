// SPDX-License-Identifier: Apache-2.0
// What the emulator tells the sanitizers about its stack switches.
#pragma once

#if defined(__has_feature)
#define SWITCHYARD_HAS_FEATURE(x) __has_feature(x)
#else
#define SWITCHYARD_HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_THREAD__) || SWITCHYARD_HAS_FEATURE(thread_sanitizer)
extern "C" {
void* __tsan_get_current_fiber(void);
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#define SWITCHYARD_TSAN(...) __VA_ARGS__
#else
#define SWITCHYARD_TSAN(...)
#endif

#if defined(__SANITIZE_ADDRESS__) || SWITCHYARD_HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define SWITCHYARD_ASAN(...) __VA_ARGS__
#else
#define SWITCHYARD_ASAN(...)
#endif

// A function of the engine: the thread sanitizer does not see what it touches, so that only the
// emulated program's accesses and barriers count. It may not call instrumented code that leaves
// its stack frame behind.
#if defined(__clang__) && (defined(__SANITIZE_THREAD__) || SWITCHYARD_HAS_FEATURE(thread_sanitizer))
#define SWITCHYARD_ENGINE __attribute__((noinline, disable_sanitizer_instrumentation))
#else
#define SWITCHYARD_ENGINE __attribute__((noinline, no_sanitize("thread")))
#endif
