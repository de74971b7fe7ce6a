// SPDX-License-Identifier: Apache-2.0
// Measures one layer on a backend.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "backends.hpp"
#include "bench.hpp"
#include "bench_timer.hpp"
#include "device_ceilings.hpp"
#include "elements.hpp"
#include "host_plan.hpp"
#include "machine.hpp"
#include "profiling_backend.hpp"
#include "random_weights.hpp"
#include "switchyard/moe_layer.hpp"
#include "text.hpp"
#include "verify.hpp"

namespace switchyard::tools {

/// The ceilings of a backend's device: measured by host code where host threads run the stages.
template <Backend B>
[[nodiscard]] Ceilings measure_ceilings(B& backend) {
  if constexpr (kRunsOnHost<B>) {
    const int threads = host_threads(backend);
    return {measure_read_bandwidth(threads), measure_peak_flops(threads)};
  } else {
    return {measure_device_reads(backend), measure_device_flops(backend)};
  }
}

/// A benchmark in progress: the weights are loaded once, then one cell after the other is measured.
template <Backend B>
class BenchRun {
  using P = ProfilingBackend<B>;
  /// No device of today has a larger cache.
  static constexpr std::uint64_t kDeviceCacheBytes = std::uint64_t{64} << 20U;

 public:
  explicit BenchRun(const BenchRequest& request)
      : request_(request),
        config_(request.shape.config),
        inner_(make_backend<B>(request.device)),
        backend_(inner_),
        stream_(backend_.make_stream()),
        timer_(backend_, stream_) {}

  [[nodiscard]] BenchResult run() {
    BenchResult result;
    result.backend = B::kName;
    result.device = backend_.info().name;
    result.host_threads = host_threads(inner_);
    result.cache_bytes = kRunsOnHost<B> ? last_level_cache() : kDeviceCacheBytes;
    check_host_memory();
    if constexpr (requires { name(inner_.bodies()); }) {
      result.bodies = name(inner_.bodies());
    }
    result.ceilings = ceilings({});
    load(result.cache_bytes);
    const RandomWeights& weights = weights_.front();
    const std::int64_t most = *std::max_element(request_.tokens.begin(), request_.tokens.end());
    const MoeScratch<P> scratch(backend_, plan_workspace(config_, most));
    Tensors tensors = make_tensors(most);
    result.route = layers_.front().route_path(pass_bundle());
    for (const std::int64_t tokens : request_.tokens) {
      const std::vector<Call> calls = prepare(tensors, scratch, tokens);
      result.cells.push_back(measure(calls, weights.view(), tensors, result.cache_bytes));
      const BenchCell& cell = result.cells.back();
      if (!cell.verification.fault.empty()) {
        result.fault =
            fmt::format("wrong result with {} tokens: {}", tokens, cell.verification.fault);
        return result;
      }
      progress(fmt::format("{} tokens: {} checked, rel_error {:.2g}; median {:.1f} us of {} runs",
                           tokens, cell.verification.tokens_checked, cell.verification.rel_error,
                           cell.layer_us.median, cell.layer_us.count));
    }
    result.ceilings = ceilings(result.ceilings);
    return result;
  }

 private:
  template <class T>
  using Buffer = typename P::template Buffer<T>;

  // Inputs that take turns.
  struct Tensors {
    std::vector<float> states;               // [sets, T_max, H]
    std::vector<std::vector<float>> logits;  // [sets][T, E] of the current cell
    Buffer<std::byte> device_states;
    Buffer<std::byte> device_output;
    Buffer<float> device_logits;
  };

  // A call that can be made again and again, with any of the layers.
  struct Call {
    MoeInputs inputs;
    MoeIntermediates<P> intermediates;
    DeviceRouteScratch<P> bundle;
    std::int64_t num_tokens = 0;
  };

  [[nodiscard]] bool pass_bundle() const { return request_.route != RoutePath::host; }

  void check_host_memory() const {
    const double copies = kRunsOnHost<B> ? 2.0 : 1.0;
    check_memory(request_, copies, available_memory());
    if (!kRunsOnHost<B>) {
      check_memory(request_, 1.0, backend_.info().memory_bytes);
    }
  }

  /// The best of what was `known` and what is measured now: others may use the machine too.
  [[nodiscard]] Ceilings ceilings(const Ceilings& known) {
    if (request_.ceilings) {
      return *request_.ceilings;
    }
    progress("measuring the ceilings of the machine");
    const Ceilings now = measure_ceilings(inner_);
    const Ceilings found{std::max(known.bytes_per_second, now.bytes_per_second),
                         std::max(known.flops_per_second, now.flops_per_second)};
    progress(fmt::format("reads {}/s, {:.1f} GFLOP/s", bytes_text(found.bytes_per_second),
                         found.flops_per_second * 1e-9));
    return found;
  }

  [[nodiscard]] RandomWeights make_weights() const {
    progress(fmt::format("making {} of random weights", bytes_text(weight_bytes(config_))));
    const int threads = host_threads(inner_);
    return RandomWeights(config_, request_.shape, request_.seed, threads == 0 ? 4 : threads);
  }

  /// Borrowed weights are a set each, as copies would be.
  void load(std::uint64_t cache_bytes) {
    weights_.push_back(make_weights());
    const std::uint64_t available =
        kRunsOnHost<B> ? available_memory() : backend_.info().memory_bytes;
    const int sets = choose_weight_sets(request_, available, cache_bytes);
    progress(fmt::format("loading {} of the weights",
                         sets == 1 ? "one copy" : fmt::format("{} copies", sets)));
    for (int set = 0; set < sets; ++set) {
      if (set > 0 && request_.weight_storage == WeightStorage::borrowed) {
        weights_.push_back(make_weights());
      }
      layers_.emplace_back(backend_, stream_, config_, weights_.back().view(),
                           LayerOptions{.route_path = request_.route,
                                        .forward_path = request_.path,
                                        .block_size = request_.block_size,
                                        .weight_storage = request_.weight_storage});
    }
  }

  [[nodiscard]] bool uses_graph() const {
    return pass_bundle() && (request_.graph_layers ? *request_.graph_layers > 0 : !kRunsOnHost<B>);
  }
  [[nodiscard]] std::int64_t input_sets() const { return uses_graph() ? kInputSets : 1; }

  [[nodiscard]] Tensors make_tensors(std::int64_t most) {
    const auto count = static_cast<std::size_t>(most * config_.hidden_size);
    const std::size_t bytes = count * size_of(config_.activation_dtype);
    const auto sets = static_cast<std::size_t>(input_sets());
    Tensors tensors{random_states(sets * count, request_.seed + 1),
                    {},
                    backend_.template allocate<std::byte>(sets * bytes),
                    backend_.template allocate<std::byte>(bytes),
                    backend_.template allocate<float>(
                        sets * static_cast<std::size_t>(most * config_.num_experts))};
    const std::vector<std::byte> host = to_bytes(tensors.states, config_.activation_dtype);
    backend_.upload(stream_, tensors.device_states.span(), host);
    backend_.synchronize(stream_);
    return tensors;
  }

  /// A call for each set of inputs.
  [[nodiscard]] std::vector<Call> prepare(Tensors& tensors, const MoeScratch<P>& scratch,
                                          std::int64_t tokens) {
    const auto sets = static_cast<std::size_t>(input_sets());
    const auto count = static_cast<std::size_t>(tokens * config_.num_experts);
    const std::size_t state_bytes = tensors.device_states.size() / sets;
    tensors.logits.clear();
    std::vector<Call> calls;
    for (std::size_t set = 0; set < sets; ++set) {
      tensors.logits.push_back(
          random_logits(tokens, config_.num_experts, request_.logits, request_.seed + 2 + set));
      const DeviceSpan<float> logits = tensors.device_logits.span().subspan(set * count, count);
      backend_.upload(stream_, as_writable_bytes(logits),
                      std::as_bytes(std::span(tensors.logits.back())));
      Call call;
      call.inputs.hidden_states = {tensors.device_states.span().data() + set * state_bytes,
                                   config_.activation_dtype, tokens, config_.hidden_size};
      call.inputs.router_logits = {logits.data(), DType::f32, tokens, config_.num_experts};
      call.inputs.output = {tensors.device_output.span().data(), config_.activation_dtype, tokens,
                            config_.hidden_size};
      call.intermediates = scratch.intermediates();
      call.bundle = scratch.route(tokens);
      call.num_tokens = tokens;
      calls.push_back(call);
    }
    backend_.synchronize(stream_);
    return calls;
  }

  RoutePlan<P> forward(std::size_t set, const Call& call) {
    return layers_[set].forward(stream_, call.inputs, call.intermediates,
                                pass_bundle() ? &call.bundle : nullptr);
  }

  void route(std::size_t set, const Call& call) {
    static_cast<void>(layers_[set].route(stream_, call.inputs, call.intermediates,
                                         pass_bundle() ? &call.bundle : nullptr));
  }

  [[nodiscard]] BenchCell measure(const std::vector<Call>& calls, const HostMoeWeights& weights,
                                  const Tensors& tensors, std::uint64_t cache_bytes) {
    const Call& first = calls.front();
    BenchCell cell;
    cell.num_tokens = first.num_tokens;
    cell.input_sets = static_cast<int>(calls.size());
    std::int64_t active = 0;
    for (const Call& call : calls) {
      const RoutePlan<P> plan = forward(0, call);
      const HostPlan host_plan = download_plan(backend_, stream_, plan, config_, call.num_tokens);
      const std::vector<std::int32_t> load = host_plan.expert_load();
      active += static_cast<std::int64_t>(load.size()) - std::count(load.begin(), load.end(), 0);
      if (&call != &first) continue;
      cell.block_size = host_plan.block_size;
      cell.verification = verify(call, weights, tensors, host_plan);
      if (!cell.verification.fault.empty()) return cell;
    }
    const auto sets = static_cast<std::int64_t>(calls.size());
    cell.active_experts = (active + sets / 2) / sets;
    if (pass_bundle()) cell.path = layers_.front().forward_path(first.inputs);
    cell.bytes = least_bytes(config_, request_.shape, first.num_tokens, cell.active_experts);
    cell.flops = least_flops(config_, first.num_tokens);
    const double turns = std::max(1.0, 4.0 * static_cast<double>(cache_bytes) / cell.bytes);
    cell.weight_sets = static_cast<int>(
        std::min(static_cast<double>(layers_.size()), request_.weight_sets ? 1e9 : turns + 0.999));
    cell.cold = cell.bytes * cell.weight_sets >= 4.0 * static_cast<double>(cache_bytes);
    if (uses_graph())
      cell.graph_layers = std::max(request_.graph_layers.value_or(kGraphLayers), cell.weight_sets);
    time_calls(calls, cell);
    time_stages(first, cell);
    cell.launches = count_launches(first);
    return cell;
  }

  [[nodiscard]] Verification verify(const Call& call, const HostMoeWeights& weights,
                                    const Tensors& tensors, const HostPlan& plan) {
    const auto count = static_cast<std::size_t>(call.num_tokens * config_.hidden_size);
    std::vector<std::byte> output(count * size_of(config_.activation_dtype));
    backend_.download(
        stream_, output,
        DeviceSpan<const std::byte>(tensors.device_output.span()).first(output.size()));
    backend_.synchronize(stream_);
    const std::vector<float> values = to_floats(output, config_.activation_dtype);
    return verify_call({.config = config_,
                        .weights = weights,
                        .hidden_states = tensors.states,
                        .logits = tensors.logits.front(),
                        .output = values,
                        .plan = plan},
                       4);
  }

  /// Layers and inputs take turns.
  void time_calls(const std::vector<Call>& calls, BenchCell& cell) {
    const auto sets = static_cast<std::size_t>(cell.weight_sets);
    const auto call_of = [&](std::size_t i) -> const Call& { return calls[i % calls.size()]; };
    const double settle = !kRunsOnHost<B> && cell.num_tokens >= 1024 ? 1.0 : 0.0;
    TimeBudget budget{.warm_up_seconds = request_.warm_up.value_or(settle),
                      .seconds = 0.5 * request_.seconds,
                      .runs = request_.runs};
    const auto layer = [&](std::size_t i) { forward((i + 1) % sets, call_of(i)); };
    cell.layer_us = timer_.device_us(cell.graph_layers, budget, layer);
    budget.warm_up_seconds = 0.0;
    budget.seconds = 0.1 * request_.seconds;
    cell.routing_us = timer_.device_us(cell.graph_layers, budget,
                                       [&](std::size_t i) { route((i + 1) % sets, call_of(i)); });
    cell.host_us = timer_.host_us(budget, layer);
  }

  void time_stages(const Call& call, BenchCell& cell) {
    std::vector<std::vector<double>> samples;
    std::vector<std::string> names;
    const auto sets = static_cast<std::size_t>(cell.weight_sets);
    const bool slow = cell.layer_us.median * 1e-6 > request_.seconds;
    const TimeBudget budget{
        .seconds = 0.3 * request_.seconds, .least = slow ? 1 : 3, .runs = request_.runs};
    CallTimer<P>::repeat(budget, [&](std::size_t i) {
      backend_.start_profile();
      forward((i + 1) % sets, call);
      const std::vector<LaunchTime> stages = by_stage(backend_.finish_profile(stream_));
      samples.resize(stages.size());
      names.resize(stages.size());
      for (std::size_t s = 0; s < stages.size(); ++s) {
        names[s] = stages[s].stage;
        samples[s].push_back(stages[s].microseconds);
      }
    });
    for (std::size_t s = 0; s < names.size(); ++s) {
      cell.stage_us.emplace_back(names[s], summarize(std::move(samples[s])));
    }
  }

  /// Launches of the device's, where the backend counts them; else stages.
  [[nodiscard]] std::int64_t count_launches(const Call& call) {
    if constexpr (CountingBackend<P>) {
      if (pass_bundle())
        return backend_.num_nodes(backend_.capture(stream_, [&] { forward(0, call); }));
    }
    backend_.start_profile();
    forward(0, call);
    return static_cast<std::int64_t>(backend_.finish_profile(stream_).size());
  }

  const BenchRequest& request_;
  const LayerConfig& config_;
  B inner_;
  P backend_;
  typename P::Stream stream_;
  CallTimer<P> timer_;
  std::vector<RandomWeights> weights_;  // outlive the layers that borrow them
  std::vector<MoeLayer<P>> layers_;
};

}  // namespace switchyard::tools
