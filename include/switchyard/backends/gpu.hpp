// SPDX-License-Identifier: Apache-2.0
/// \file
/// The Backend that CUDA and HIP are: one class over the vendor's runtime, of which a small struct
/// names the handles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "switchyard/backend.hpp"
#include "switchyard/expert_matrices.hpp"
#include "switchyard/export.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard {

namespace gpu {
template <class Api>
class TunedBodies;
}
namespace kernels {
struct FusedLayerParams;
}

/// Which bodies a GpuBackend runs. All of them route alike, bit for bit; the matrix products differ
/// in the order of their sums.
enum class GpuBodies : std::uint8_t {
  automatic,  ///< Those tuned for the device, where there are any and they fit the layer.
  portable,   ///< One source for all GPUs: the second oracle of the others.
};

/// "automatic" or "portable".
[[nodiscard]] constexpr std::string_view name(GpuBodies bodies) noexcept {
  return bodies == GpuBodies::automatic  ? "automatic"
         : bodies == GpuBodies::portable ? "portable"
                                         : "unknown";
}

/// Choices of a GpuBackend.
struct GpuOptions {
  int device = 0;  ///< Index among the devices that the vendor's driver shows.
  /// `automatic` asks the environment variable SWITCHYARD_GPU_BODIES, which holds a name of
  /// GpuBodies, first.
  GpuBodies bodies = GpuBodies::automatic;
  /// Blocks that share what they read of the weights in a matrix product, 1 or 2, where tuned
  /// bodies run it. Unset: by a table of the rows per expert. For experiments.
  std::optional<int> product_cluster = {};
  /// Whether path coupled_layer copies hidden states to packed order before gate_up reads them,
  /// where tuned bodies can. Unset: by a table of the rows per expert and I. For experiments.
  std::optional<bool> packs_hidden_states = {};
};

/// The vendor's runtime, under the names that GpuBackend calls. Api names the vendor and its
/// handles: kName, NativeStream, NativeEvent, NativeGraph,
/// NativeGraphExec; and the paths that the backend has bodies for: kForwardPaths. All work on the
/// device that they are given and leave the caller's current device as it was. Those that are
/// noexcept ignore errors; the others throw Error{device_failure} with the vendor's name of the
/// error.
template <class Api>
struct SWITCHYARD_API GpuRuntime {
  using NativeStream = typename Api::NativeStream;
  using NativeEvent = typename Api::NativeEvent;
  using NativeGraph = typename Api::NativeGraph;
  using NativeGraphExec = typename Api::NativeGraphExec;

  /// Does not throw for a missing driver or device: the list says why it is empty.
  [[nodiscard]] static DeviceList devices();

  /// Throws Error{out_of_memory}. Null for 0 bytes.
  [[nodiscard]] static void* allocate_memory(int device, std::size_t bytes);
  static void free_memory(int device, void* memory) noexcept;

  [[nodiscard]] static NativeStream create_stream(int device);
  static void destroy_stream(int device, NativeStream stream) noexcept;
  [[nodiscard]] static bool is_capturing(int device, NativeStream stream);
  static void synchronize_stream(int device, NativeStream stream);

  [[nodiscard]] static NativeEvent create_event(int device);
  static void destroy_event(int device, NativeEvent event) noexcept;
  /// On a stream that is being captured, record and wait are nodes of its graph.
  static void record_event(int device, NativeStream stream, NativeEvent event);
  static void wait_event(int device, NativeStream stream, NativeEvent event);
  static void synchronize_event(int device, NativeEvent event);
  /// Throws Error{invalid_argument} where an event has not been recorded or has not passed.
  [[nodiscard]] static double elapsed_us(int device, NativeEvent start, NativeEvent stop);

  static void upload(int device, NativeStream stream, void* to, const void* from,
                     std::size_t bytes);
  static void download(int device, NativeStream stream, void* to, const void* from,
                       std::size_t bytes);
  static void copy(int device, NativeStream stream, void* to, const void* from, std::size_t bytes);
  static void fill(int device, NativeStream stream, void* to, int value, std::size_t bytes);

  /// `params` is the kernel's one argument; it is copied.
  static void launch(int device, NativeStream stream, const void* kernel, unsigned num_blocks,
                     unsigned num_threads, std::size_t shared_bytes, void* params);

  /// Throws Error{invalid_argument} where the stream is being captured.
  static void begin_capture(int device, NativeStream stream);
  static void abandon_capture(int device, NativeStream stream) noexcept;
  [[nodiscard]] static NativeGraph end_capture(int device, NativeStream stream);
  static void destroy_graph(int device, NativeGraph graph) noexcept;
  [[nodiscard]] static std::int64_t num_nodes(int device, NativeGraph graph);
  [[nodiscard]] static NativeGraphExec instantiate(int device, NativeGraph graph);
  static void destroy_executable(int device, NativeGraphExec executable) noexcept;
  static void replay(int device, NativeStream stream, NativeGraphExec executable);
  /// Makes the graph a node of the one that the stream is captured to.
  static void capture_replay(int device, NativeStream stream, NativeGraph graph);
};

/// A GPU. Api is CudaApi or HipApi.
///
/// An Error{device_failure} names the vendor's error. Memory is allocated and freed by the vendor's
/// plain calls, which may wait for the device.
template <class Api>
class SWITCHYARD_API GpuBackend {
  using Runtime = GpuRuntime<Api>;

 public:
  static constexpr std::string_view kName = Api::kName;
  using NativeStream = typename Api::NativeStream;

  /// Elements of T in device memory; contents start undefined.
  template <class T>
  class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

   public:
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)),
          device_(other.device_) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(data_, other.data_);
      std::swap(size_, other.size_);
      std::swap(device_, other.device_);
      return *this;
    }
    ~Buffer() {
      if (data_ != nullptr) Runtime::free_memory(device_, data_);
    }

    [[nodiscard]] DeviceSpan<T> span() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

   private:
    friend class GpuBackend;
    Buffer(T* data, std::size_t size, int device) noexcept
        : data_(data), size_(size), device_(device) {}

    T* data_;
    std::size_t size_;
    int device_;
  };

  /// The backend's own stream, or one that the caller owns. Destroying an own stream waits for its
  /// operations; so does assigning another to it.
  class Stream {
   public:
    Stream(Stream&& other) noexcept
        : native_(std::exchange(other.native_, nullptr)),
          device_(other.device_),
          owned_(std::exchange(other.owned_, false)) {}
    Stream& operator=(Stream&& other) noexcept {
      Stream replaced(std::move(other));  // after the swaps
      std::swap(native_, replaced.native_);
      std::swap(device_, replaced.device_);
      std::swap(owned_, replaced.owned_);
      return *this;
    }
    ~Stream() {
      if (owned_) Runtime::destroy_stream(device_, native_);
    }

    /// Also true where the caller captures a borrowed stream.
    [[nodiscard]] bool is_capturing() const { return Runtime::is_capturing(device_, native_); }
    [[nodiscard]] NativeStream native() const noexcept { return native_; }

   private:
    friend class GpuBackend;
    Stream(NativeStream native, int device, bool owned) noexcept
        : native_(native), device_(device), owned_(owned) {}

    NativeStream native_;
    int device_;
    bool owned_;
  };

  /// A vendor handle that is destroyed with its owner.
  template <class Native, void (*Destroy)(int device, Native)>
  class Handle {
   public:
    Handle(Handle&& other) noexcept
        : native_(std::exchange(other.native_, nullptr)), device_(other.device_) {}
    Handle& operator=(Handle&& other) noexcept {
      std::swap(native_, other.native_);
      std::swap(device_, other.device_);
      return *this;
    }
    ~Handle() {
      if (native_ != nullptr) Destroy(device_, native_);
    }

   private:
    friend class GpuBackend;
    Handle(Native native, int device) noexcept : native_(native), device_(device) {}

    Native native_;
    int device_;
  };
  using Event = Handle<typename Api::NativeEvent, &Runtime::destroy_event>;
  /// A graph, and its instance that replays. It outlives its replays.
  class Graph {
    friend class GpuBackend;
    Graph(typename Api::NativeGraph native, int device)
        : definition_(native, device), executable_(Runtime::instantiate(device, native), device) {}

    Handle<typename Api::NativeGraph, &Runtime::destroy_graph> definition_;
    Handle<typename Api::NativeGraphExec, &Runtime::destroy_executable> executable_;
  };

  struct LaunchConfig {};

  /// Throws Error{device_unavailable} that says why there is no such device,
  /// Error{invalid_argument} for other options out of range.
  explicit GpuBackend(const GpuOptions& options = {});
  GpuBackend(const GpuBackend&) = delete;
  GpuBackend& operator=(const GpuBackend&) = delete;
  ~GpuBackend();

  /// Never throws for a missing driver or device: the list says why it is empty.
  [[nodiscard]] static DeviceList devices();
  [[nodiscard]] const DeviceInfo& info() const noexcept { return info_; }

  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    const bool fits = count <= static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T);
    void* const memory = Runtime::allocate_memory(info_.index, fits ? count * sizeof(T) : SIZE_MAX);
    return Buffer<T>(static_cast<T*>(memory), count, info_.index);
  }
  [[nodiscard]] Stream make_stream();
  /// A stream of the caller's, on this backend's device. The caller keeps it alive.
  [[nodiscard]] Stream borrow_stream(NativeStream native) const noexcept {
    return Stream(native, info_.index, false);
  }
  [[nodiscard]] Event make_event();

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from);
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from);
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from);
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value);

  /// Which bodies run them, and how.
  [[nodiscard]] std::string describe_products(const ForwardCall& call) const;

  /// swizzled_tiles where tuned bodies serve every call of a layer with such matrices, else rows.
  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& matrices) const;
  [[nodiscard]] std::size_t packed_bytes(const ExpertMatrices& matrices, WeightLayout layout) const;
  void repack(Stream& stream, DeviceSpan<std::byte> to, const ExpertMatrices& matrices,
              WeightLayout layout, const HostTensor& from);

  [[nodiscard]] static constexpr std::span<const ForwardPath> forward_paths() {
    return Api::kForwardPaths;
  }
  [[nodiscard]] bool runs(ForwardPath path, const ForwardCall& call) const noexcept;
  [[nodiscard]] ForwardPath choose_path(const ForwardCall& call) const noexcept;

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params);

  /// ProbingBackend's. Products where tuned bodies run.
  void probe_reads(Stream& stream, DeviceSpan<const std::byte> from, DeviceSpan<std::byte> sink);
  [[nodiscard]] double probe_products(Stream& stream, DeviceSpan<std::byte> sink);

  void record(Stream& stream, Event& event);
  void wait(Stream& stream, const Event& event);
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const;
  void synchronize(Stream& stream);
  void synchronize(const Event& event);

  /// Captures in the strictest mode: a call anywhere in the process that a capture forbids fails.
  /// This class's own calls that wait (synchronize, download, allocate), on other streams, are
  /// exempt.
  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    Runtime::begin_capture(info_.index, stream.native_);
    try {
      std::forward<Enqueue>(enqueue)();
    } catch (...) {
      Runtime::abandon_capture(info_.index, stream.native_);
      throw;
    }
    return Graph(Runtime::end_capture(info_.index, stream.native_), info_.index);
  }
  void replay(Stream& stream, const Graph& graph);
  [[nodiscard]] std::int64_t num_nodes(const Graph& graph) const {
    return Runtime::num_nodes(info_.index, graph.definition_.native_);
  }

 private:
  template <class Params>
  void launch_portable(Stream& stream, const Params& params);
  void launch_fused_layer(Stream& stream, const kernels::FusedLayerParams& params);
  void launch_coupled_layer(Stream& stream, const kernels::FusedLayerParams& params);

  DeviceInfo info_;
  std::unique_ptr<const gpu::TunedBodies<Api>> tuned_;
};

}  // namespace switchyard
