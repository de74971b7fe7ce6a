// SPDX-License-Identifier: Apache-2.0
// A Backend that decorates another: it measures every launch.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "switchyard/backend.hpp"
#include "switchyard/expert_matrices.hpp"
#include "switchyard/forward_path.hpp"
#include "switchyard/probing.hpp"

namespace switchyard::tools {

/// Time of one launch.
struct LaunchTime {
  std::string_view stage;
  double microseconds = 0.0;
};

/// Forwards every operation to `inner`. Between start_profile and finish_profile it also records an
/// event before and after each launch. One stream at a time may be profiled; launches that are
/// captured are not.
template <Backend Inner>
class ProfilingBackend {
 public:
  static constexpr std::string_view kName = Inner::kName;

  template <class T>
  using Buffer = typename Inner::template Buffer<T>;
  using Stream = typename Inner::Stream;
  using Event = typename Inner::Event;
  using Graph = typename Inner::Graph;
  using LaunchConfig = typename Inner::LaunchConfig;

  /// `inner` outlives this object.
  explicit ProfilingBackend(Inner& inner) : inner_(inner) {}

  /// Measures launches from here on.
  void start_profile() {
    launches_ = 0;
    profiling_ = true;
  }

  /// Waits for the launches since start_profile and returns their times in order.
  [[nodiscard]] std::vector<LaunchTime> finish_profile(Stream& stream) {
    profiling_ = false;
    inner_.synchronize(stream);
    std::vector<LaunchTime> times;
    times.reserve(launches_);
    for (std::size_t i = 0; i < launches_; ++i) {
      times.push_back({marks_[i].stage, inner_.elapsed_us(marks_[i].start, marks_[i].stop)});
    }
    return times;
  }

  [[nodiscard]] static DeviceList devices() { return Inner::devices(); }
  [[nodiscard]] const DeviceInfo& info() const { return std::as_const(inner_).info(); }

  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    return inner_.template allocate<T>(count);
  }
  [[nodiscard]] Stream make_stream() { return inner_.make_stream(); }
  [[nodiscard]] Event make_event() { return inner_.make_event(); }

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from) {
    inner_.upload(stream, to, from);
  }
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from) {
    inner_.download(stream, to, from);
  }
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from) {
    inner_.copy(stream, to, from);
  }
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value) {
    inner_.fill(stream, to, value);
  }

  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& matrices) const requires
      RepackingBackend<Inner> {
    return inner_.layout_of(matrices);
  }
  [[nodiscard]] std::size_t packed_bytes(
      const ExpertMatrices& matrices, WeightLayout layout) const requires RepackingBackend<Inner> {
    return inner_.packed_bytes(matrices, layout);
  }
  void repack(Stream& stream, DeviceSpan<std::byte> to, const ExpertMatrices& matrices,
              WeightLayout layout, const HostTensor& from) requires RepackingBackend<Inner> {
    inner_.repack(stream, to, matrices, layout, from);
  }
  [[nodiscard]] DeviceSpan<const std::byte> borrow(std::span<const std::byte> host) requires
      BorrowingBackend<Inner> {
    return inner_.borrow(host);
  }

  [[nodiscard]] std::string describe_products(const ForwardCall& call) const requires
      DescribingBackend<Inner> {
    return inner_.describe_products(call);
  }

  [[nodiscard]] static constexpr std::span<const ForwardPath> forward_paths() requires
      FusingBackend<Inner> {
    return Inner::forward_paths();
  }
  [[nodiscard]] bool runs(ForwardPath path,
                          const ForwardCall& call) const requires FusingBackend<Inner> {
    return inner_.runs(path, call);
  }
  [[nodiscard]] ForwardPath choose_path(const ForwardCall& call) const requires
      FusingBackend<Inner> {
    return inner_.choose_path(call);
  }

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params) {
    if (!profiling_ || stream.is_capturing()) {
      inner_.template launch<Stage>(stream, config, params);
      return;
    }
    if (launches_ == marks_.size()) {
      marks_.push_back({Stage::kName, inner_.make_event(), inner_.make_event()});
    }
    Mark& mark = marks_[launches_];
    mark.stage = Stage::kName;
    inner_.record(stream, mark.start);
    inner_.template launch<Stage>(stream, config, params);
    inner_.record(stream, mark.stop);
    ++launches_;
  }

  void record(Stream& stream, Event& event) { inner_.record(stream, event); }
  void wait(Stream& stream, const Event& event) { inner_.wait(stream, event); }
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const {
    return std::as_const(inner_).elapsed_us(start, stop);
  }
  void synchronize(Stream& stream) { inner_.synchronize(stream); }
  void synchronize(const Event& event) { inner_.synchronize(event); }

  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    return inner_.capture(stream, std::forward<Enqueue>(enqueue));
  }
  void replay(Stream& stream, const Graph& graph) { inner_.replay(stream, graph); }
  [[nodiscard]] std::int64_t num_nodes(const Graph& graph) const requires CountingBackend<Inner> {
    return std::as_const(inner_).num_nodes(graph);
  }

 private:
  struct Mark {
    std::string_view stage;
    Event start;
    Event stop;
  };

  Inner& inner_;
  std::vector<Mark> marks_;  // kept between profiles: a profiled call creates no events when warm
  std::size_t launches_ = 0;
  bool profiling_ = false;
};

/// Times of launches with the same name added up, in the order of their first launch.
[[nodiscard]] inline std::vector<LaunchTime> by_stage(const std::vector<LaunchTime>& launches) {
  std::vector<LaunchTime> stages;
  for (const LaunchTime& launch : launches) {
    const auto found = std::find_if(stages.begin(), stages.end(), [&](const LaunchTime& other) {
      return other.stage == launch.stage;
    });
    if (found == stages.end()) {
      stages.push_back(launch);
    } else {
      found->microseconds += launch.microseconds;
    }
  }
  return stages;
}

}  // namespace switchyard::tools
