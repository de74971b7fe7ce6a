// SPDX-License-Identifier: Apache-2.0
// Runs a call on a backend, every buffer of it guarded and poisoned.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "support/backends.hpp"
#include "support/guarded.hpp"
#include "support/layer_case.hpp"
#include "switchyard/error.hpp"
#include "switchyard/moe_layer.hpp"

namespace switchyard::test {

/// A plan's eight buffers on the host.
struct PlanContent {
  oracle::Plan integers;
  std::vector<std::uint32_t> weight_bits;
  std::int32_t block_size = 0;

  bool operator==(const PlanContent&) const = default;

  [[nodiscard]] std::vector<float> weights() const {
    std::vector<float> values(weight_bits.size());
    for (std::size_t p = 0; p < values.size(); ++p) {
      values[p] = std::bit_cast<float>(weight_bits[p]);
    }
    return values;
  }
};

template <class B, class T>
std::vector<std::int32_t> download_words(B& backend, typename B::Stream& stream,
                                         DeviceSpan<T> from) {
  static_assert(sizeof(T) == 4);
  std::vector<std::int32_t> to(from.size());
  backend.download(stream, std::as_writable_bytes(std::span(to)), as_bytes(from));
  return to;
}

/// Waits for the stream.
template <class B>
PlanContent download_plan(B& backend, typename B::Stream& stream, const RoutePlan<B>& plan) {
  const auto words = [&](auto span) { return download_words(backend, stream, span); };
  const auto& buffers = plan.buffers;
  // The vectors keep their storage when they move into the result.
  PlanContent content;
  content.integers.selected_ids = words(buffers.selected_ids);
  content.integers.pairs_by_token = words(buffers.pairs_by_token);
  content.integers.packed_token_idx = words(buffers.packed_token_idx);
  content.integers.expert_offsets = words(buffers.expert_offsets);
  content.integers.sorted_tokens = words(buffers.sorted_tokens);
  content.integers.block_ids = words(buffers.block_ids);
  const auto total = words(buffers.total_post_pad);
  const auto weights = words(buffers.pair_weights);
  backend.synchronize(stream);
  content.integers.total_post_pad = total.empty() ? -1 : total[0];
  content.weight_bits.assign(weights.begin(), weights.end());
  content.block_size = plan.block_size;
  return content;
}

/// Where the plan and the intermediates of a call lie.
enum class Placement {
  slab,      ///< In a borrowed slab of exactly WorkspacePlan::total_bytes.
  separate,  ///< Each in a buffer of its own, of exactly the extent the call needs.
};

/// The device memory of one call.
template <class B>
class CallMemory {
 public:
  /// `block_size` of the plan that will be made; 0: whatever it will be.
  CallMemory(Session<B>& session, const LayerConfig& config, const CallCase& call,
             Placement placement, std::byte poison, std::int32_t block_size = 0)
      : session_(session), config_(config), poison_(poison) {
    const std::int64_t tokens = call.num_tokens;
    const std::int64_t hidden = config.hidden_size;
    const DType dtype = config.activation_dtype;
    hidden_ = bytes(call.hidden_states.bytes());
    output_ = call.output_is_hidden_states ? hidden_
              : call.residual_is_output    ? bytes(call.residual.bytes())
                                           : poisoned(call.hidden_states.bytes().size());
    inputs_.hidden_states = {hidden_->span().data(), dtype, tokens, hidden};
    inputs_.output = {output_->span().data(), dtype, tokens, hidden};
    if (call.residual.present()) {
      residual_ = call.residual_is_output ? output_ : bytes(call.residual.bytes());
      inputs_.residual = {residual_->span().data(), dtype, tokens, hidden};
    }
    if (call.router_logits.present()) {
      logits_ = bytes(call.router_logits.bytes());
      inputs_.router_logits = {logits_->span().data(), call.router_logits.dtype(), tokens,
                               config.num_experts};
    }
    if (!call.selected_ids.empty()) {
      ids_ = bytes(std::as_bytes(std::span(call.selected_ids)));
      weights_ = bytes(std::as_bytes(std::span(call.pair_weights)));
      inputs_.selected_ids = as<const ExpertId>(ids_->span());
      inputs_.pair_weights = as<const float>(weights_->span());
    }
    if (call.live_tokens) {
      live_ = bytes(std::as_bytes(std::span(&*call.live_tokens, 1)));
      inputs_.live_tokens = as<const std::int32_t>(live_->span());
    }
    plan_ = plan_workspace(config, tokens);
    if (placement == Placement::slab) {
      const auto slab = poisoned(plan_.total_bytes);
      scratch_.emplace(slab->span(), plan_);
      route_ = scratch_->route(tokens);
      intermediates_ = scratch_->intermediates();
    } else {
      place_separately(tokens, block_size);
    }
  }

  CallMemory(const CallMemory&) = delete;
  CallMemory& operator=(const CallMemory&) = delete;
  /// Waits for the stream, which may still use the memory.
  ~CallMemory() {
    try {
      session_.backend.synchronize(session_.stream);
    } catch (const Error&) {  // a failed test has reported it
    }
  }

  [[nodiscard]] const MoeInputs& inputs() const { return inputs_; }
  [[nodiscard]] MoeInputs& inputs() { return inputs_; }
  [[nodiscard]] const DeviceRouteScratch<B>& route() const { return route_; }
  [[nodiscard]] const MoeIntermediates<B>& intermediates() const { return intermediates_; }

  /// Replaces what the input buffers hold by another call of the same kind and extents. Waits for
  /// the stream.
  void rewrite(const CallCase& call) {
    const auto put = [&](const Bytes& buffer, std::span<const std::byte> content) {
      if (buffer) session_.backend.upload(session_.stream, buffer->span(), content);
    };
    put(hidden_, call.hidden_states.bytes());
    put(residual_, call.residual.bytes());
    put(logits_, call.router_logits.bytes());
    put(ids_, std::as_bytes(std::span(call.selected_ids)));
    put(weights_, std::as_bytes(std::span(call.pair_weights)));
    if (call.live_tokens) put(live_, std::as_bytes(std::span(&*call.live_tokens, 1)));
    session_.backend.synchronize(session_.stream);
  }

  /// Waits for the stream.
  [[nodiscard]] std::vector<std::byte> output() { return session_.download(output_->span()); }
  /// Whether nothing beside a buffer was written. Waits for the stream.
  [[nodiscard]] bool intact() const {
    return std::all_of(buffers_.begin(), buffers_.end(),
                       [&](const auto& buffer) { return buffer->intact(session_.stream); });
  }

 private:
  using Bytes = std::shared_ptr<Guarded<B, std::byte>>;

  Bytes keep(Bytes buffer) {
    buffers_.push_back(buffer);
    return buffer;
  }
  Bytes bytes(std::span<const std::byte> content) {
    return keep(
        std::make_shared<Guarded<B, std::byte>>(session_.backend, session_.stream, content));
  }
  Bytes poisoned(std::size_t size) {
    return keep(
        std::make_shared<Guarded<B, std::byte>>(session_.backend, session_.stream, size, poison_));
  }
  template <class T>
  static DeviceSpan<T> as(DeviceSpan<std::byte> span) {
    return {reinterpret_cast<T*>(span.data()), span.size() / sizeof(T)};
  }
  template <class T>
  DeviceSpan<T> words(std::int64_t count) {
    return as<T>(poisoned(static_cast<std::size_t>(count) * sizeof(T))->span());
  }

  void place_separately(std::int64_t tokens, std::int32_t block_size) {
    const std::int64_t pairs = tokens * config_.top_k;
    const std::int64_t experts = config_.local_experts();
    route_.selected_ids = words<ExpertId>(pairs);
    route_.pair_weights = words<float>(pairs);
    route_.pairs_by_token = words<PackedRow>(pairs);
    route_.packed_token_idx = words<TokenIndex>(pairs);
    route_.expert_offsets = words<PackedRow>(experts + 1);
    const std::int64_t slots = block_size == 0 ? 0 : padded_capacity(pairs, experts, block_size);
    route_.sorted_tokens = words<PackedRow>(block_size == 0 ? max_slots(pairs, experts) : slots);
    route_.block_ids =
        words<ExpertId>(block_size == 0 ? max_blocks(pairs, experts) : slots / block_size);
    route_.total_post_pad = words<std::int32_t>(1);
    const auto element = static_cast<std::int64_t>(size_of(config_.activation_dtype));
    const std::int64_t shared = config_.shared_expert.intermediate_size;
    intermediates_.plan_scratch = words<std::int32_t>(
        static_cast<std::int64_t>(plan_.plan_scratch.bytes / sizeof(std::int32_t)));
    intermediates_.router_logits = words<float>(tokens * config_.num_experts);
    intermediates_.activated = words<std::byte>(pairs * config_.intermediate_size * element);
    intermediates_.expert_rows = words<std::byte>(pairs * config_.hidden_size * element);
    if (shared == 0) return;
    intermediates_.shared_activated = words<std::byte>(tokens * shared * element);
    intermediates_.shared_rows = words<std::byte>(tokens * config_.hidden_size * element);
    if (config_.shared_expert.gated) intermediates_.shared_gate = words<float>(tokens);
  }

  Session<B>& session_;
  const LayerConfig config_;
  std::byte poison_;
  std::vector<Bytes> buffers_;
  Bytes hidden_, output_, residual_, logits_, ids_, weights_, live_;  // null: absent
  MoeInputs inputs_;
  WorkspacePlan plan_;
  std::optional<MoeScratch<B>> scratch_;
  DeviceRouteScratch<B> route_;
  MoeIntermediates<B> intermediates_;
};

/// What a forward left.
struct Outcome {
  std::vector<std::byte> output;
  PlanContent plan;
  bool intact = false;
};

/// How run_call runs.
struct RunOptions {
  bool pass_bundle = true;  ///< Else the host path and the layer's own plan buffers.
  Placement placement = Placement::slab;
  std::byte poison = kPoisons[1];
};

/// A forward from poisoned memory to host memory.
template <class B>
Outcome run_call(Session<B>& session, MoeLayer<B>& layer, const CallCase& call,
                 const RunOptions& options = {}) {
  const bool on_device = layer.route_path(options.pass_bundle) == RoutePath::device;
  CallMemory<B> memory(session, layer.config(), call, options.placement, options.poison,
                       on_device ? layer.block_size(call.num_tokens) : 0);
  const RoutePlan<B> plan = layer.forward(session.stream, memory.inputs(), memory.intermediates(),
                                          options.pass_bundle ? &memory.route() : nullptr);
  Outcome outcome;
  outcome.plan = download_plan(session.backend, session.stream, plan);
  outcome.output = memory.output();
  outcome.intact = memory.intact();
  return outcome;
}

/// The largest error of an output in units of its bound: right where at most 1.
inline double worst_error(std::span<const std::byte> output, DType dtype,
                          std::span<const Bounded> expected) {
  const std::vector<double> computed = decode_all(output, dtype);
  if (computed.size() != expected.size()) return 1e300;
  double worst = 0.0;
  for (std::size_t i = 0; i < computed.size(); ++i) {
    const double error = std::abs(computed[i] - expected[i].value);
    if (error == 0.0) continue;
    const double ratio = error / expected[i].bound;
    worst = ratio <= worst ? worst : std::isnan(ratio) ? 1e300 : ratio;
  }
  return worst;
}

}  // namespace switchyard::test
