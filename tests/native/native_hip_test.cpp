// SPDX-License-Identifier: Apache-2.0
#include <hip/hip_runtime_api.h>

#include <type_traits>

#include "native/native_stream.hpp"
#include "switchyard/backends/hip.hpp"

using namespace switchyard::test;

namespace {

struct HipNative {
  using Backend = switchyard::HipBackend;

  static hipStream_t create() {
    hipStream_t stream = nullptr;
    REQUIRE(hipStreamCreateWithFlags(&stream, hipStreamNonBlocking) == hipSuccess);
    return stream;
  }
  static void destroy(hipStream_t stream) { CHECK(hipStreamDestroy(stream) == hipSuccess); }
  static void synchronize(hipStream_t stream) { CHECK(hipStreamSynchronize(stream) == hipSuccess); }
  static void begin_capture(hipStream_t stream) {
    REQUIRE(hipStreamBeginCapture(stream, hipStreamCaptureModeGlobal) == hipSuccess);
  }
  static hipGraphExec_t end_capture(hipStream_t stream) {
    hipGraph_t graph = nullptr;
    hipGraphExec_t executable = nullptr;
    REQUIRE(hipStreamEndCapture(stream, &graph) == hipSuccess);
    REQUIRE(hipGraphInstantiate(&executable, graph, nullptr, nullptr, 0) == hipSuccess);
    CHECK(hipGraphDestroy(graph) == hipSuccess);
    return executable;
  }
  static void launch(hipGraphExec_t graph, hipStream_t stream) {
    CHECK(hipGraphLaunch(graph, stream) == hipSuccess);
  }
  static void destroy_graph(hipGraphExec_t graph) {
    CHECK(hipGraphExecDestroy(graph) == hipSuccess);
  }
  static int current_device() {
    int device = -1;
    CHECK(hipGetDevice(&device) == hipSuccess);
    return device;
  }
  static int last_error() { return static_cast<int>(hipGetLastError()); }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("hip: forwards on a stream that the caller owns and captures", "[native]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, HipNative::Backend>) {
    check_borrowed_streams<HipNative>();
  } else {
    SUCCEED("another backend");
  }
}
