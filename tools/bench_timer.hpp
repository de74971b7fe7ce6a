// SPDX-License-Identifier: Apache-2.0
// Times calls on a backend: one by one, or many of them in a graph that is replayed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "statistics.hpp"
#include "switchyard/backend.hpp"

namespace switchyard::tools {

/// How long something is measured.
struct TimeBudget {
  double warm_up_seconds = 0.0;  ///< Spent on the same calls before; clocks settle.
  double seconds = 0.0;
  int least = 3;                     ///< Samples, however long they take.
  std::optional<std::int64_t> runs;  ///< Exactly so many samples instead, and no warm-up.
};

/// Measures on one stream.
template <Backend P>
class CallTimer {
  using Clock = std::chrono::steady_clock;

 public:
  /// Both outlive this object.
  CallTimer(P& backend, typename P::Stream& stream)
      : backend_(backend),
        stream_(stream),
        start_(backend.make_event()),
        stop_(backend.make_event()) {}

  /// Device microseconds of a call; call(i) enqueues number i. layers = 0: of single calls; else
  /// of `layers` calls in a row in one graph, a sample being a replay divided by their number.
  template <class Call>
  [[nodiscard]] Summary device_us(int layers, const TimeBudget& budget, const Call& call) {
    if (layers == 0) return sample(budget, call);
    const typename P::Graph graph = backend_.capture(stream_, [&] {
      for (int i = 0; i < layers; ++i) call(static_cast<std::size_t>(i));
    });
    Summary summary = sample(budget, [&](std::size_t) { backend_.replay(stream_, graph); });
    for (double* value : {&summary.min, &summary.p10, &summary.median, &summary.p90, &summary.max})
      *value /= layers;
    return summary;
  }

  /// Host microseconds that enqueuing a call takes, the device being idle before.
  template <class Call>
  [[nodiscard]] Summary host_us(const TimeBudget& budget, const Call& call) {
    std::vector<double> samples;
    repeat(budget, [&](std::size_t i) {
      const auto begin = Clock::now();
      call(i);
      samples.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
      backend_.synchronize(stream_);
    });
    return summarize(std::move(samples));
  }

  /// Calls run(i) until the budget is spent.
  template <class Run>
  static void repeat(const TimeBudget& budget, const Run& run) {
    const auto begin = Clock::now();
    for (std::int64_t i = 0;; ++i) {
      const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
      if (budget.runs ? i >= *budget.runs : (i >= budget.least && spent >= budget.seconds)) return;
      run(static_cast<std::size_t>(i));
    }
  }

 private:
  template <class Run>
  Summary sample(const TimeBudget& budget, const Run& run) {
    if (!budget.runs && budget.warm_up_seconds > 0.0) {
      const TimeBudget warm_up{.seconds = budget.warm_up_seconds, .least = 1, .runs = {}};
      repeat(warm_up, [&](std::size_t i) {
        run(i);
        backend_.synchronize(stream_);
      });
    }
    std::vector<double> samples;
    repeat(budget, [&](std::size_t i) {
      backend_.record(stream_, start_);
      run(i);
      backend_.record(stream_, stop_);
      backend_.synchronize(stream_);
      samples.push_back(backend_.elapsed_us(start_, stop_));
    });
    return summarize(std::move(samples));
  }

  P& backend_;
  typename P::Stream& stream_;
  typename P::Event start_;
  typename P::Event stop_;
};

}  // namespace switchyard::tools
