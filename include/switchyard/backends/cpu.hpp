// SPDX-License-Identifier: Apache-2.0
/// \file
/// The CPU backend: the reference that checks all others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "switchyard/backend.hpp"
#include "switchyard/export.hpp"

namespace switchyard {

namespace cpu {
class StreamState;
class EventState;
class ThreadPool;
struct Command;

/// Memory of an allocation, aligned to 64 bytes. Throws Error{out_of_memory}.
[[nodiscard]] SWITCHYARD_API void* allocate_bytes(std::size_t bytes);
SWITCHYARD_API void free_bytes(void* memory) noexcept;
}  // namespace cpu

/// Choices of a CpuBackend.
struct CpuOptions {
  /// Threads that run a stage, the stream's own included, in [1, 1024]. 0: the environment variable
  /// SWITCHYARD_NUM_THREADS, else one per core. Results do not depend on it.
  int num_threads = 0;
};

/// A Backend over host memory. A stream is a bounded ordered queue with a thread of its own, which
/// runs stages on the backend's thread pool; a graph is a stored list of operations. Enqueueing
/// waits only where a stream's queue is full. Device addresses are host addresses.
class SWITCHYARD_API CpuBackend {
 public:
  static constexpr std::string_view kName = "cpu";

  /// Elements of T, value-initialised by nobody: contents start undefined.
  template <class T>
  class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

   public:
    Buffer(Buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
      std::swap(data_, other.data_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~Buffer() { cpu::free_bytes(data_); }

    [[nodiscard]] DeviceSpan<T> span() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

   private:
    friend class CpuBackend;
    Buffer(T* data, std::size_t size) noexcept : data_(data), size_(size) {}

    T* data_;
    std::size_t size_;
  };

  /// Destroying a stream waits for its operations.
  class SWITCHYARD_API Stream {
   public:
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();

    [[nodiscard]] bool is_capturing() const noexcept;

   private:
    friend class CpuBackend;
    explicit Stream(std::unique_ptr<cpu::StreamState> state) noexcept;
    std::unique_ptr<cpu::StreamState> state_;
  };

  /// A point in a stream. Waiting for an event that was never recorded returns at once.
  class Event {
   private:
    friend class CpuBackend;
    explicit Event(std::shared_ptr<cpu::EventState> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<cpu::EventState> state_;
  };

  /// Recorded operations. Replaying enqueues copies of them: the graph may be destroyed afterwards.
  class SWITCHYARD_API Graph {
   public:
    Graph(Graph&&) noexcept;
    Graph& operator=(Graph&&) noexcept;
    ~Graph();

   private:
    friend class CpuBackend;
    explicit Graph(std::vector<cpu::Command> commands) noexcept;
    std::vector<cpu::Command> commands_;
  };

  struct LaunchConfig {
    int max_threads = 0;  ///< Bound on the threads of this launch; 0: all of the backend.
  };

  /// Throws Error{invalid_argument} for a number of threads out of range.
  explicit CpuBackend(const CpuOptions& options = {});
  CpuBackend(const CpuBackend&) = delete;
  CpuBackend& operator=(const CpuBackend&) = delete;
  ~CpuBackend();

  [[nodiscard]] static DeviceList devices();
  [[nodiscard]] const DeviceInfo& info() const noexcept { return info_; }
  [[nodiscard]] int num_threads() const noexcept;

  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    const bool fits = count <= static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T);
    return Buffer<T>(static_cast<T*>(cpu::allocate_bytes(fits ? count * sizeof(T) : SIZE_MAX)),
                     count);
  }
  [[nodiscard]] Stream make_stream();
  [[nodiscard]] Event make_event();

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from);
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from);
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from);
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value);

  /// Bodies are defined in kernels/<stage>; a stage without one does not link.
  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params);

  void record(Stream& stream, Event& event);
  void wait(Stream& stream, const Event& event);
  /// Microseconds between two recorded events that have passed.
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const;
  void synchronize(Stream& stream);
  void synchronize(const Event& event);

  /// Runs `enqueue`, recording instead of running what it enqueues on `stream`. If it throws, the
  /// recording is dropped and the stream is as before.
  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    begin_capture(stream);
    try {
      std::forward<Enqueue>(enqueue)();
    } catch (...) {
      static_cast<void>(end_capture(stream));
      throw;
    }
    return end_capture(stream);
  }
  void replay(Stream& stream, const Graph& graph);

 private:
  static void begin_capture(Stream& stream);
  static Graph end_capture(Stream& stream);

  std::unique_ptr<cpu::ThreadPool> pool_;
  DeviceInfo info_;
};

static_assert(Backend<CpuBackend>);

}  // namespace switchyard
