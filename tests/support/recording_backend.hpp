// SPDX-License-Identifier: Apache-2.0
// A backend that writes down what it is asked to do and passes it on to another.
#pragma once

#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "switchyard/backend.hpp"
#include "switchyard/expert_matrices.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard::test {

/// Operations by name: "allocate", "upload", "launch route", ... in the order of their calls.
template <class B>
class RecordingBackend {
 public:
  static constexpr std::string_view kName = "recording";
  template <class T>
  using Buffer = typename B::template Buffer<T>;
  using Stream = typename B::Stream;
  using Event = typename B::Event;
  using Graph = typename B::Graph;
  using LaunchConfig = typename B::LaunchConfig;

  explicit RecordingBackend(B& inner) : inner_(inner) {}

  /// What was asked for since the last call.
  [[nodiscard]] std::vector<std::string> take_log() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(log_, {});
  }

  [[nodiscard]] static DeviceList devices() { return B::devices(); }
  [[nodiscard]] const DeviceInfo& info() const { return inner_.info(); }

  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    note("allocate");
    return inner_.template allocate<T>(count);
  }
  [[nodiscard]] Stream make_stream() {
    note("make_stream");
    return inner_.make_stream();
  }
  [[nodiscard]] Event make_event() {
    note("make_event");
    return inner_.make_event();
  }

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from) {
    note("upload");
    inner_.upload(stream, to, from);
  }
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from) {
    note("download");
    inner_.download(stream, to, from);
  }
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from) {
    note("copy");
    inner_.copy(stream, to, from);
  }
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value) {
    note("fill");
    inner_.fill(stream, to, value);
  }
  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& matrices) const requires
      RepackingBackend<B> {
    return inner_.layout_of(matrices);
  }
  [[nodiscard]] std::size_t packed_bytes(const ExpertMatrices& matrices,
                                         WeightLayout layout) const requires RepackingBackend<B> {
    return inner_.packed_bytes(matrices, layout);
  }
  void repack(Stream& stream, DeviceSpan<std::byte> to, const ExpertMatrices& matrices,
              WeightLayout layout, const HostTensor& from) requires RepackingBackend<B> {
    note("repack");
    inner_.repack(stream, to, matrices, layout, from);
  }
  [[nodiscard]] DeviceSpan<const std::byte> borrow(std::span<const std::byte> host) requires
      BorrowingBackend<B> {
    return inner_.borrow(host);
  }

  [[nodiscard]] static constexpr std::span<const ForwardPath> forward_paths() requires
      FusingBackend<B> {
    return B::forward_paths();
  }
  [[nodiscard]] bool runs(ForwardPath path,
                          const ForwardCall& call) const requires FusingBackend<B> {
    return inner_.runs(path, call);
  }
  [[nodiscard]] ForwardPath choose_path(const ForwardCall& call) const requires FusingBackend<B> {
    return inner_.choose_path(call);
  }

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params) {
    note("launch " + std::string(Stage::kName));
    inner_.template launch<Stage>(stream, config, params);
  }

  void record(Stream& stream, Event& event) {
    note("record");
    inner_.record(stream, event);
  }
  void wait(Stream& stream, const Event& event) {
    note("wait");
    inner_.wait(stream, event);
  }
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const {
    return inner_.elapsed_us(start, stop);
  }
  void synchronize(Stream& stream) {
    note("synchronize");
    inner_.synchronize(stream);
  }
  void synchronize(const Event& event) {
    note("synchronize");
    inner_.synchronize(event);
  }

  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    note("capture");
    return inner_.capture(stream, std::forward<Enqueue>(enqueue));
  }
  void replay(Stream& stream, const Graph& graph) {
    note("replay");
    inner_.replay(stream, graph);
  }

 protected:
  void note(std::string operation) {
    const std::scoped_lock lock(mutex_);
    log_.push_back(std::move(operation));
  }

 private:
  B& inner_;
  std::mutex mutex_;
  std::vector<std::string> log_;
};

}  // namespace switchyard::test
