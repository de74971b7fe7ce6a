// SPDX-License-Identifier: Apache-2.0
// Who owns a stream of GpuBackend, over a runtime that only notes what is destroyed.
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "support/catch.hpp"
#include "switchyard/backends/gpu.hpp"

namespace noted {

struct Api {
  static constexpr std::string_view kName = "noted";
  using NativeStream = const char*;
  using NativeEvent = const char*;
  using NativeGraph = const char*;
  using NativeGraphExec = const char*;
  static constexpr std::array<switchyard::ForwardPath, 0> kForwardPaths{};
};

/// Streams are named a, b, ... as they are made.
struct Notes {
  std::size_t made = 0;
  std::string destroyed;
};
inline Notes& notes() {
  static thread_local Notes the_notes;
  return the_notes;
}

}  // namespace noted

namespace switchyard {

template <>
class gpu::TunedBodies<noted::Api> {};

template <>
void GpuRuntime<noted::Api>::destroy_stream(int /*device*/, NativeStream stream) noexcept {
  noted::notes().destroyed += *stream;
}
template <>
GpuBackend<noted::Api>::GpuBackend(const GpuOptions& /*options*/) {}
template <>
GpuBackend<noted::Api>::~GpuBackend() = default;
template <>
GpuBackend<noted::Api>::Stream GpuBackend<noted::Api>::make_stream() {
  static constexpr std::string_view kNames = "ab";
  return Stream(&kNames.at(noted::notes().made++), 0, true);
}

}  // namespace switchyard

using NotedGpu = switchyard::GpuBackend<noted::Api>;

TEST_CASE("a stream of a GPU is destroyed with its owner, a borrowed one never", "[backend]") {
  noted::notes() = {};
  NotedGpu backend;
  {
    const auto own = backend.make_stream();
    const auto borrowed = backend.borrow_stream("z");
    CHECK(borrowed.native()[0] == 'z');
  }
  CHECK(noted::notes().destroyed == "a");
}

TEST_CASE("a stream of a GPU that another replaces is destroyed at once", "[backend]") {
  noted::notes() = {};
  NotedGpu backend;
  auto kept = backend.make_stream();
  {
    auto other = backend.make_stream();
    kept = std::move(other);
    CHECK(noted::notes().destroyed == "a");
    CHECK(kept.native()[0] == 'b');
    kept = backend.borrow_stream("z");
    CHECK(noted::notes().destroyed == "ab");
    auto& same = kept;
    kept = std::move(same);
    CHECK(kept.native()[0] == 'z');
  }
  CHECK(noted::notes().destroyed == "ab");
}
