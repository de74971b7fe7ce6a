// SPDX-License-Identifier: Apache-2.0
// Host threads for what surrounds a measurement.
#pragma once

#include <thread>
#include <vector>

namespace switchyard::tools {

/// Runs body(0) ... body(threads - 1) at the same time, the last of them on the calling thread, and
/// waits for all. The body does not throw.
template <class Body>
void parallel(int threads, const Body& body) {
  std::vector<std::jthread> others;
  for (int i = 0; i + 1 < threads; ++i) {
    others.emplace_back([&body, i] { body(i); });
  }
  body(threads - 1);
}

}  // namespace switchyard::tools
