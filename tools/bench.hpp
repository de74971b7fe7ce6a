// SPDX-License-Identifier: Apache-2.0
// What the benchmark is asked and what it finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends.hpp"
#include "command.hpp"
#include "machine.hpp"
#include "model_shapes.hpp"
#include "random_data.hpp"
#include "statistics.hpp"
#include "switchyard/moe_layer.hpp"
#include "verify.hpp"

namespace switchyard::tools {

/// A benchmark of one layer at several numbers of tokens.
struct BenchRequest {
  ModelShape shape;                  ///< config has its dtypes and shared expert set.
  std::vector<std::int64_t> tokens;  ///< Each at least 1.
  DeviceChoice device;
  LogitsKind logits = LogitsKind::normal;
  std::uint64_t seed = 0;
  std::optional<RoutePath> route;
  std::optional<ForwardPath> path;  ///< Unset: the backend's choice.
  std::optional<std::int32_t> block_size;
  WeightStorage weight_storage = WeightStorage::copied;
  double seconds = 2.0;              ///< Budget of a cell; at least three runs are made.
  std::optional<std::int64_t> runs;  ///< Instead of the budget.
  std::optional<int> weight_sets;    ///< Unset: enough to find them cold, as memory allows.
  /// Calls in a row in a graph that is replayed; 0: calls one by one. Unset: one by one on host
  /// backends and on the host route, else kGraphLayers and at least one per copy of the weights.
  std::optional<int> graph_layers;
  /// Before a measurement; unset: a second from 1024 tokens on on a device, for its clocks.
  std::optional<double> warm_up;
  std::optional<Ceilings> ceilings;  ///< Unset: measured, before the cells and after them.
};

/// Calls in a graph, and different inputs that take turns in it.
inline constexpr int kGraphLayers = 24;
inline constexpr int kInputSets = 4;

/// One number of tokens.
struct BenchCell {
  std::int64_t num_tokens = 0;
  std::int32_t block_size = 0;
  ForwardPath path = ForwardPath::staged;
  std::int64_t launches = 0;  ///< Of a call: the device's where they are counted, else stages.
  int graph_layers = 0;       ///< Calls in a row in a graph; 0: one by one.
  int input_sets = 1;         ///< Logits and hidden states that take turns.
  std::int64_t active_experts = 0;  ///< Distinct experts with at least one row, the inputs' mean.
  int weight_sets = 0;              ///< Copies of the weights that take turns.
  bool cold = false;                ///< Whether a turn exceeds the last-level cache four times.
  double bytes = 0.0;               ///< Least traffic: active weights, states, logits, output.
  double flops = 0.0;
  Summary layer_us;
  Summary routing_us;  ///< From the logits to the plan alone.
  Summary host_us;     ///< That the host takes to enqueue a call.
  std::vector<std::pair<std::string, Summary>> stage_us;
  Verification verification;

  [[nodiscard]] double bytes_per_second() const { return bytes / layer_us.median * 1e6; }
  [[nodiscard]] double flops_per_second() const { return flops / layer_us.median * 1e6; }
  /// Least time by the ceilings.
  [[nodiscard]] double floor_us(const Ceilings& ceilings) const;
  /// Shares of the ceilings in percent; 0: the ceiling is unknown.
  [[nodiscard]] double bandwidth_percent(const Ceilings& ceilings) const;
  [[nodiscard]] double peak_percent(const Ceilings& ceilings) const;
};

/// All cells and what they were measured on.
struct BenchResult {
  std::string backend;
  std::string device;
  int host_threads = 0;
  std::string bodies;  ///< Of a backend that has several; empty otherwise.
  RoutePath route = RoutePath::device;
  std::uint64_t cache_bytes = 0;
  Ceilings ceilings;
  std::vector<BenchCell> cells;
  std::string fault;  ///< A result was wrong: no cell counts.
};

/// Least bytes and operations of a call.
[[nodiscard]] double least_bytes(const LayerConfig& config, const ModelShape& shape,
                                 std::int64_t num_tokens, std::int64_t active_experts);
[[nodiscard]] double least_flops(const LayerConfig& config, std::int64_t num_tokens);

/// Memory of a benchmark. `copies` of the weights on the device, one on the host.
struct MemoryNeed {
  double weights = 0.0;  ///< One copy.
  double other = 0.0;    ///< Scratch, inputs and output.
};
[[nodiscard]] MemoryNeed memory_need(const BenchRequest& request);

/// Throws Error{out_of_memory} that says what is needed, what there is and what would fit, where
/// `copies` copies of the weights and the rest exceed `available`; 0: unknown, accepted.
void check_memory(const BenchRequest& request, double copies, std::uint64_t available);

/// How many copies of the weights take turns: enough for four last-level caches of active weights
/// at the smallest number of tokens, at most 64 and at most what fits into `available`.
[[nodiscard]] int choose_weight_sets(const BenchRequest& request, std::uint64_t available,
                                     std::uint64_t cache_bytes);

/// Tells people on stderr what goes on.
void progress(const std::string& line);

/// What the command leaves: the result as "md", "csv" or "json"; nothing and ExitStatus::wrong
/// where a result is wrong.
[[nodiscard]] CommandResult bench_outcome(const BenchRequest& request, const BenchResult& result,
                                          std::string_view format);

}  // namespace switchyard::tools
