// SPDX-License-Identifier: Apache-2.0
/// \file
/// Memory, streams, events and graphs over host memory: what the backends that run on the CPU
/// share.
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

namespace host {
class StreamState;
class EventState;
class ThreadPool;
struct Command;

/// Memory of an allocation, aligned to 64 bytes at least. Throws Error{out_of_memory}.
[[nodiscard]] SWITCHYARD_API void* allocate_bytes(std::size_t bytes);
/// `bytes`: as it was allocated.
SWITCHYARD_API void free_bytes(void* memory, std::size_t bytes) noexcept;
}  // namespace host

/// Threads of the caller's that run tasks. Called by the streams of a backend, one at a time.
class SWITCHYARD_API HostExecutor {
 public:
  virtual ~HostExecutor();

  /// How many calls of `work` may run at the same time, at least 1.
  [[nodiscard]] virtual int num_threads() const noexcept = 0;

  /// Calls work(context, i) once for every i in [0, count), on any threads, at the same time or one
  /// after the other, and returns when all of them have returned.
  virtual void run(int count, void (*work)(void* context, int index), void* context) noexcept = 0;
};

/// Which threads run a stage. Results do not depend on them.
struct HostOptions {
  /// Threads, the stream's own included, in [1, 1024]. 0: as many as the executor has, else the
  /// environment variable SWITCHYARD_NUM_THREADS, else one per core.
  int num_threads = 0;
  /// Runs the tasks instead of threads of the backend's own; outlives the backend. Null: none.
  HostExecutor* executor = nullptr;
};

/// The substrate of a Backend over host memory: all of the trait but the bodies. A stream is a
/// bounded ordered queue with a thread of its own, which runs stages on the backend's thread pool;
/// a graph is a stored list of operations. Enqueueing waits only where a stream's queue is full.
/// Device addresses are host addresses.
class SWITCHYARD_API HostSubstrate {
 public:
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
    ~Buffer() { host::free_bytes(data_, size_ * sizeof(T)); }

    [[nodiscard]] DeviceSpan<T> span() const noexcept { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

   private:
    friend class HostSubstrate;
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
    friend class HostSubstrate;
    explicit Stream(std::unique_ptr<host::StreamState> state) noexcept;
    std::unique_ptr<host::StreamState> state_;
  };

  /// A point in a stream. Waiting for an event that was never recorded returns at once.
  class Event {
   private:
    friend class HostSubstrate;
    explicit Event(std::shared_ptr<host::EventState> state) noexcept : state_(std::move(state)) {}
    std::shared_ptr<host::EventState> state_;
  };

  /// Recorded operations. Replaying enqueues copies of them: the graph may be destroyed afterwards.
  class SWITCHYARD_API Graph {
   public:
    Graph(Graph&&) noexcept;
    Graph& operator=(Graph&&) noexcept;
    ~Graph();

   private:
    friend class HostSubstrate;
    explicit Graph(std::vector<host::Command> commands) noexcept;
    std::vector<host::Command> commands_;
  };

  struct LaunchConfig {
    int max_threads = 0;  ///< Bound on the threads of this launch; 0: all of the backend.
  };

  /// Throws Error{invalid_argument} for a number of threads out of range.
  HostSubstrate(const HostOptions& options, DeviceInfo info);
  HostSubstrate(const HostSubstrate&) = delete;
  HostSubstrate& operator=(const HostSubstrate&) = delete;
  ~HostSubstrate();

  [[nodiscard]] const DeviceInfo& info() const noexcept { return info_; }
  [[nodiscard]] int num_threads() const noexcept;

  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    const bool fits = count <= static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T);
    return Buffer<T>(static_cast<T*>(host::allocate_bytes(fits ? count * sizeof(T) : SIZE_MAX)),
                     count);
  }
  [[nodiscard]] Stream make_stream();
  [[nodiscard]] Event make_event();

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from);
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from);
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from);
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value);

  void record(Stream& stream, Event& event);
  void wait(Stream& stream, const Event& event);
  /// Microseconds between two recorded events that have passed.
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const;
  /// Waits for the stream. Throws the first error of an operation since the last synchronize; the
  /// operations behind it were skipped, and the stream is usable again.
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

  /// Host memory as the device sees it: where it is.
  [[nodiscard]] DeviceSpan<const std::byte> borrow(std::span<const std::byte> host) const noexcept {
    return {host.data(), host.size()};
  }

 protected:
  /// Queues a command of the derived backend.
  void push(Stream& stream, const host::Command& command);

 private:
  static void begin_capture(Stream& stream);
  static Graph end_capture(Stream& stream);

  std::unique_ptr<host::ThreadPool> pool_;
  DeviceInfo info_;
};

}  // namespace switchyard
