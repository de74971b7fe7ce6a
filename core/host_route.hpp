// SPDX-License-Identifier: Apache-2.0
// The host-mediated path: logits (or the caller's ids) are read back, routed and planned on the
// host, and the plan is uploaded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/host_plan.hpp"
#include "core/scratch_impl.hpp"
#include "core/stage_params.hpp"

namespace switchyard::core {

/// Host memory of the path and, for calls without a bundle, plan buffers on the device. Grows to
/// the capacity of the caller's scratch in the first call and is reused. One call at a time.
template <Backend B>
class HostRoute {
 public:
  explicit HostRoute(B& backend) : done_(backend.make_event()) {}

  /// Plan buffers of the layer's own for calls of up to capacity_tokens tokens.
  DeviceRouteScratch<B> own_buffers(B& backend, const LayerConfig& config,
                                    std::int64_t capacity_tokens, std::int64_t num_tokens) {
    if (!own_ || own_->max_tokens() < num_tokens) {
      backend.synchronize(done_);
      own_.emplace(backend, plan_route_buffers(config, std::max(capacity_tokens, num_tokens)));
    }
    return own_->route(num_tokens);
  }

  /// Orders a call that uses own_buffers behind the call before it, whatever their streams.
  void begin(B& backend, typename B::Stream& stream) { backend.wait(stream, done_); }
  void end(B& backend, typename B::Stream& stream) { backend.record(stream, done_); }

  /// Fills call.route from the logits, or from the caller's ids. Waits for the stream. Returns the
  /// block size of the plan as build_plan does.
  std::int32_t fill_plan(B& backend, typename B::Stream& stream, const StageContext& call,
                         const HostRouter& router, std::int64_t capacity_tokens,
                         std::optional<std::int32_t> fixed_block_size) {
    backend.synchronize(done_);  // uploads of the call before have left plan_
    plan_.reserve(call.config, capacity_tokens);
    plan_.resize(call.route);
    read_back(backend, stream, call);
    backend.synchronize(stream);
    const std::int32_t block_size = build_plan(call, router, fixed_block_size, plan_);
    upload(backend, stream, call.route.selected_ids, plan_.selected_ids);
    upload(backend, stream, call.route.pair_weights, plan_.pair_weights);
    upload(backend, stream, call.route.pairs_by_token, plan_.pairs_by_token);
    upload(backend, stream, call.route.packed_token_idx, plan_.packed_token_idx);
    upload(backend, stream, call.route.expert_offsets, plan_.expert_offsets);
    upload(backend, stream, call.route.sorted_tokens, plan_.sorted_tokens);
    upload(backend, stream, call.route.block_ids, plan_.block_ids);
    upload(backend, stream, call.route.total_post_pad, plan_.total_post_pad);
    backend.record(stream, done_);
    return block_size;
  }

 private:
  void read_back(B& backend, typename B::Stream& stream, const StageContext& call) {
    const MoeInputs& inputs = call.inputs;
    if (!inputs.live_tokens.empty())
      download(backend, stream, plan_.live_tokens, inputs.live_tokens);
    if (!inputs.selected_ids.empty()) {
      download(backend, stream, plan_.selected_ids, inputs.selected_ids);
      download(backend, stream, plan_.pair_weights, inputs.pair_weights);
      return;
    }
    const ConstDeviceMatrix logits = logits_of(call);
    const auto bytes = static_cast<std::size_t>(logits.rows * logits.cols) * size_of(logits.dtype);
    if (plan_.logits.size() < bytes) plan_.logits.resize(bytes);
    backend.download(stream, std::span(plan_.logits).first(bytes),
                     {static_cast<const std::byte*>(logits.data), bytes});
  }

  template <class T, class U>
  static void download(B& backend, typename B::Stream& stream, std::vector<T>& to,
                       DeviceSpan<const U> from) {
    backend.download(stream, std::as_writable_bytes(std::span(to).first(from.size())),
                     as_bytes(from));
  }

  template <class T>
  static void upload(B& backend, typename B::Stream& stream, DeviceSpan<T> to,
                     const std::vector<T>& from) {
    backend.upload(stream, as_writable_bytes(to), std::as_bytes(std::span(from)));
  }

  HostPlan plan_;
  std::optional<MoeScratch<B>> own_;
  typename B::Event done_;
};

}  // namespace switchyard::core
