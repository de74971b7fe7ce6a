// SPDX-License-Identifier: Apache-2.0
/// \file
/// The Vulkan backend. No Vulkan header is needed to use it, and no Vulkan library to link: the
/// loader (libvulkan.so.1) is looked for when the program runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "switchyard/backend.hpp"
#include "switchyard/export.hpp"
#include "switchyard/forward_path.hpp"
#include "switchyard/probing.hpp"

namespace switchyard {

namespace vulkan {
class Device;
class EventState;
class StreamState;
struct GraphState;

/// Device memory, aligned to 256 bytes. Throws Error{out_of_memory}.
[[nodiscard]] SWITCHYARD_API void* allocate_bytes(Device& device, std::size_t bytes);
SWITCHYARD_API void free_bytes(Device& device, void* memory) noexcept;
}  // namespace vulkan

/// Which bodies a VulkanBackend runs for the matrix products. All of them route alike, bit for bit;
/// a product that the asked-for body cannot run, by its dtypes or extents, goes to the tiled one.
enum class VulkanBodies : std::uint8_t {
  automatic,  ///< The last of these that the device, the dtypes and the extents allow; vector
              ///< where a call runs as ForwardPath::fused_layer.
  tiled,      ///< Shared memory and plain arithmetic: any dtypes, any extents.
  vector,     ///< A wave per few rows of the weights: the fastest for few tokens.
  matrix,     ///< Cooperative matrices, or their arithmetic spelt out where a device has none.
};

/// "automatic", "tiled", "vector" or "matrix".
[[nodiscard]] SWITCHYARD_API std::string_view name(VulkanBodies bodies) noexcept;

/// Choices of a VulkanBackend.
struct VulkanOptions {
  int device = 0;         ///< Index among devices(); with a name, among those that have it.
  std::string name = {};  ///< Part of the device's name; empty: any device.
  /// With `automatic` the environment variable SWITCHYARD_VULKAN_BODIES, one of the names of
  /// VulkanBodies, decides first.
  VulkanBodies bodies = VulkanBodies::automatic;
  /// Shared memory that a workgroup may use, 16 KiB or more, of what the device has: a large device
  /// runs as smaller ones do.
  std::size_t max_shared_bytes = SIZE_MAX;
  /// File that compiled pipelines are kept in, for backends that start later; empty: none. It is
  /// written when the backend has been made and when it goes. A file that is not this device's and
  /// driver's, whole and unchanged, is written anew. It is as trusted as the driver: keep it where
  /// nobody else can write.
  std::string pipeline_cache = {};
};

/// Any device with Vulkan 1.3 and the features that devices() names where one is missing. Addresses
/// are buffer device addresses.
///
/// An Error{device_failure} names the Vulkan function and its result; after VK_ERROR_DEVICE_LOST
/// the backend is of no more use. Memory comes from blocks that are divided; freeing it does not
/// wait: operations that use it have to have passed. What is freed stays with the backend for later
/// allocations; unused blocks go back to the driver where an allocation would fail. Objects may
/// outlive the backend.
class SWITCHYARD_API VulkanBackend {
 public:
  static constexpr std::string_view kName = "vulkan";

  /// Elements of T in device memory; contents start undefined.
  template <class T>
  class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

   public:
    Buffer(Buffer&& other) noexcept
        : device_(std::move(other.device_)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(device_, other.device_);
      std::swap(data_, other.data_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~Buffer() {
      if (data_ != nullptr) vulkan::free_bytes(*device_, data_);
    }

    [[nodiscard]] DeviceSpan<T> span() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

   private:
    friend class VulkanBackend;
    Buffer(std::shared_ptr<vulkan::Device> device, T* data, std::size_t size) noexcept
        : device_(std::move(device)), data_(data), size_(size) {}

    std::shared_ptr<vulkan::Device> device_;
    T* data_;
    std::size_t size_;
  };

  /// Operations are recorded, and submitted in batches: at the latest when something waits for
  /// them, an event among them included, and by replay. Enqueueing waits where too many batches are
  /// pending. download waits until the bytes have come, upload has read the host's memory when it
  /// returns. Destroying a stream waits for its operations.
  class SWITCHYARD_API Stream {
   public:
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    [[nodiscard]] bool is_capturing() const noexcept;

   private:
    friend class VulkanBackend;
    explicit Stream(std::unique_ptr<vulkan::StreamState> state) noexcept;
    std::unique_ptr<vulkan::StreamState> state_;
  };

  /// A point in a stream. Waiting for an event that was never recorded returns at once.
  class Event {
    friend class VulkanBackend;
    explicit Event(std::shared_ptr<vulkan::EventState> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<vulkan::EventState> state_;
  };

  /// Command buffers that were recorded once, and what happens between them. Captured uploads read
  /// the host's memory when replay is called. The graph may be destroyed before its replays have
  /// run.
  class Graph {
    friend class VulkanBackend;
    explicit Graph(std::unique_ptr<vulkan::GraphState> state) noexcept;

   public:
    SWITCHYARD_API Graph(Graph&&) noexcept;
    SWITCHYARD_API Graph& operator=(Graph&&) noexcept;
    SWITCHYARD_API ~Graph();

   private:
    std::unique_ptr<vulkan::GraphState> state_;
  };

  struct LaunchConfig {};

  /// Throws Error{device_unavailable} that says why there is no such device,
  /// Error{invalid_argument} where the environment names bodies that do not exist or an option is
  /// out of its range, Error{io_failure} where pipeline_cache cannot be written.
  explicit VulkanBackend(const VulkanOptions& options = {});
  VulkanBackend(const VulkanBackend&) = delete;
  VulkanBackend& operator=(const VulkanBackend&) = delete;
  ~VulkanBackend();

  /// Never throws for a missing loader, driver or device: the list says why it is empty.
  [[nodiscard]] static DeviceList devices();
  [[nodiscard]] const DeviceInfo& info() const noexcept;
  /// What was asked for, in the options or the environment.
  [[nodiscard]] VulkanBodies bodies() const noexcept;

  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    const bool fits = count <= static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T);
    void* const memory = vulkan::allocate_bytes(*device_, fits ? count * sizeof(T) : SIZE_MAX);
    return Buffer<T>(device_, static_cast<T*>(memory), count);
  }
  [[nodiscard]] Stream make_stream();
  [[nodiscard]] Event make_event();

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from);
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from);
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from);
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value);

  [[nodiscard]] static constexpr std::span<const ForwardPath> forward_paths() { return kPaths; }
  [[nodiscard]] bool runs(ForwardPath path, const ForwardCall& call) const noexcept;
  [[nodiscard]] ForwardPath choose_path(const ForwardCall& call) const noexcept;

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params);

  void record(Stream& stream, Event& event);
  void wait(Stream& stream, const Event& event);
  /// Microseconds on the device's clock between two recorded events that have passed.
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const;
  void synchronize(Stream& stream);
  void synchronize(const Event& event);

  /// As ProbingBackend asks; there is no probe of products yet.
  void probe_reads(Stream& stream, DeviceSpan<const std::byte> from, DeviceSpan<std::byte> sink);
  [[nodiscard]] double probe_products(Stream& stream, DeviceSpan<std::byte> sink);

  /// Runs `enqueue`, recording instead of running what it enqueues on `stream`. If it throws, the
  /// recording is dropped and the stream is as before.
  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    begin_capture(stream);
    try {
      std::forward<Enqueue>(enqueue)();
    } catch (...) {
      abandon_capture(stream);
      throw;
    }
    return end_capture(stream);
  }
  void replay(Stream& stream, const Graph& graph);

 private:
  static constexpr ForwardPath kPaths[] = {ForwardPath::staged, ForwardPath::route_plan,
                                           ForwardPath::fused_layer};

  static void begin_capture(Stream& stream);
  static void abandon_capture(Stream& stream) noexcept;
  [[nodiscard]] static Graph end_capture(Stream& stream);

  std::shared_ptr<vulkan::Device> device_;
};

static_assert(FusingBackend<VulkanBackend> && ProbingBackend<VulkanBackend>);

}  // namespace switchyard
