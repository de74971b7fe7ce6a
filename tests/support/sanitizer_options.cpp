// SPDX-License-Identifier: Apache-2.0
// Allocations that cannot succeed are a case of the suite: sanitizers return null as malloc does.

extern "C" {
const char* __asan_default_options();  // NOLINT: the sanitizers' names
const char* __tsan_default_options();  // NOLINT

const char* __asan_default_options() {
  return "allocator_may_return_null=1";
}

const char* __tsan_default_options() {
  return "allocator_may_return_null=1";
}
}
