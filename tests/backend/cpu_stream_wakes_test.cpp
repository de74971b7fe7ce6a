// SPDX-License-Identifier: Apache-2.0
// A thread that waits for a stream of the CPU backend sleeps until the stream is done: what wakes
// in between takes a core from the threads that work.
#if defined(__linux__)
#include <sys/resource.h>

#include <cstddef>

#include "support/catch.hpp"
#include "switchyard/backends/cpu.hpp"

using namespace switchyard;

namespace {

/// How often the calling thread has gone to sleep.
long num_sleeps() {
  rusage usage{};
  REQUIRE(getrusage(RUSAGE_THREAD, &usage) == 0);
  return usage.ru_nvcsw;
}

}  // namespace

TEST_CASE("who waits for a stream of many operations sleeps once", "[backend]") {
  constexpr int kOperations = 200;
  CpuBackend backend({.num_threads = 1});
  CpuBackend::Stream stream = backend.make_stream();
  const auto large = backend.allocate<std::byte>(std::size_t{64} << 20U);
  const auto small = backend.allocate<std::byte>(std::size_t{4} << 20U);
  backend.fill(stream, large.span(), std::byte{1});  // time to fall asleep in
  for (int i = 0; i < kOperations; ++i) backend.fill(stream, small.span(), std::byte{2});
  const long before = num_sleeps();
  backend.synchronize(stream);
  CHECK(num_sleeps() - before < kOperations / 10);
}
#endif
