// SPDX-License-Identifier: Apache-2.0
// A backend with exactly the members of the trait, declared and not defined: what compiles over it
// uses nothing else. No member has a default argument, an overload or a conversion too many.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "switchyard/backend.hpp"

namespace switchyard::test {

class ArchetypeBackend {
 public:
  static constexpr std::string_view kName = "archetype";

  template <class T>
  class Buffer {
   public:
    Buffer() = delete;
    Buffer(Buffer&&) noexcept;
    Buffer& operator=(Buffer&&) noexcept;
    ~Buffer();
    [[nodiscard]] DeviceSpan<T> span() const;
    [[nodiscard]] std::size_t size() const;
  };

  class Stream {
   public:
    Stream() = delete;
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream();
    [[nodiscard]] bool is_capturing() const;
  };

  class Event {
   public:
    Event() = delete;
    Event(Event&&) noexcept;
    Event& operator=(Event&&) noexcept;
    ~Event();
  };

  class Graph {
   public:
    Graph() = delete;
    Graph(Graph&&) noexcept;
    Graph& operator=(Graph&&) noexcept;
    ~Graph();
  };

  struct LaunchConfig {};

  ArchetypeBackend() = delete;
  ArchetypeBackend(const ArchetypeBackend&) = delete;
  ArchetypeBackend& operator=(const ArchetypeBackend&) = delete;
  ~ArchetypeBackend();

  static DeviceList devices();
  const DeviceInfo& info();
  template <class T>
  Buffer<T> allocate(std::size_t count);
  Stream make_stream();
  Event make_event();
  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from);
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from);
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from);
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value);
  template <class Stage>
  void launch(Stream& stream, LaunchConfig config, typename Stage::Params params);
  void record(Stream& stream, Event& event);
  void wait(Stream& stream, const Event& event);
  double elapsed_us(const Event& start, const Event& stop);
  void synchronize(Stream& stream);
  void synchronize(const Event& event);
  template <class Enqueue>
  Graph capture(Stream& stream, Enqueue&& enqueue);
  void replay(Stream& stream, const Graph& graph);
};

}  // namespace switchyard::test
