// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <type_traits>

#include "native/native_stream.hpp"
#include "switchyard/backends/cuda.hpp"

using namespace switchyard::test;

namespace {

struct CudaNative {
  using Backend = switchyard::CudaBackend;

  static cudaStream_t create() {
    cudaStream_t stream = nullptr;
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    return stream;
  }
  static void destroy(cudaStream_t stream) { CHECK(cudaStreamDestroy(stream) == cudaSuccess); }
  static void synchronize(cudaStream_t stream) {
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  }
  static void begin_capture(cudaStream_t stream) {
    REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) == cudaSuccess);
  }
  static cudaGraphExec_t end_capture(cudaStream_t stream) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    REQUIRE(cudaGraphInstantiate(&executable, graph, 0) == cudaSuccess);
    CHECK(cudaGraphDestroy(graph) == cudaSuccess);
    return executable;
  }
  static void launch(cudaGraphExec_t graph, cudaStream_t stream) {
    CHECK(cudaGraphLaunch(graph, stream) == cudaSuccess);
  }
  static void destroy_graph(cudaGraphExec_t graph) {
    CHECK(cudaGraphExecDestroy(graph) == cudaSuccess);
  }
  static int current_device() {
    int device = -1;
    CHECK(cudaGetDevice(&device) == cudaSuccess);
    return device;
  }
  static int last_error() { return static_cast<int>(cudaGetLastError()); }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: forwards on a stream that the caller owns and captures", "[native]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, CudaNative::Backend>) {
    check_borrowed_streams<CudaNative>();
  } else {
    SUCCEED("another backend");
  }
}
