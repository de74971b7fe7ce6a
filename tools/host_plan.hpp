// SPDX-License-Identifier: Apache-2.0
// A route plan in host memory, cut to the extents of its call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "switchyard/error.hpp"
#include "switchyard/index.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/scratch.hpp"
#include "switchyard/workspace.hpp"

namespace switchyard::tools {

/// The eight buffers of DeviceRouteScratch. T tokens, K top_k, E local experts, P = T*K,
/// cap = padded_capacity(P, E, block_size).
struct HostPlan {
  std::int32_t block_size = 0;
  std::vector<std::int32_t> selected_ids;      // [P]
  std::vector<float> pair_weights;             // [P]
  std::vector<std::int32_t> pairs_by_token;    // [P]
  std::vector<std::int32_t> packed_token_idx;  // [P]
  std::vector<std::int32_t> expert_offsets;    // [E+1]
  std::vector<std::int32_t> sorted_tokens;     // [cap]
  std::vector<std::int32_t> block_ids;         // [cap / block_size]
  std::vector<std::int32_t> total_post_pad;    // [1]

  /// Rows of each local expert, [E].
  [[nodiscard]] std::vector<std::int32_t> expert_load() const;
  /// 64 bits over the integer buffers: equal where two plans are.
  [[nodiscard]] std::uint64_t digest() const noexcept;
};

/// "0x" and 16 digits.
[[nodiscard]] std::string digest_text(std::uint64_t digest);

namespace detail {

template <class B, class From, class To>
void download_prefix(B& backend, typename B::Stream& stream, DeviceSpan<From> from,
                     std::int64_t count, std::vector<To>& to) {
  static_assert(sizeof(From) == sizeof(To));
  const auto size = static_cast<std::size_t>(count);
  if (from.size() < size) {
    throw Error(ErrorCode::capacity_exceeded, "a plan buffer holds " + std::to_string(from.size()) +
                                                  " elements, the call has " +
                                                  std::to_string(size));
  }
  to.resize(size);
  backend.download(stream, std::as_writable_bytes(std::span(to)), as_bytes(from.first(size)));
}

}  // namespace detail

/// Reads a plan back; waits for the stream.
template <Backend B>
[[nodiscard]] HostPlan download_plan(B& backend, typename B::Stream& stream,
                                     const RoutePlan<B>& plan, const LayerConfig& config,
                                     std::int64_t num_tokens) {
  const std::int64_t pairs = num_tokens * config.top_k;
  const std::int64_t slots = padded_capacity(pairs, config.local_experts(), plan.block_size);
  const DeviceRouteScratch<B>& from = plan.buffers;
  HostPlan host;
  host.block_size = plan.block_size;
  const auto get = [&](auto span, std::int64_t count, auto& to) {
    detail::download_prefix(backend, stream, span, count, to);
  };
  get(from.selected_ids, pairs, host.selected_ids);
  get(from.pair_weights, pairs, host.pair_weights);
  get(from.pairs_by_token, pairs, host.pairs_by_token);
  get(from.packed_token_idx, pairs, host.packed_token_idx);
  get(from.expert_offsets, config.local_experts() + 1, host.expert_offsets);
  get(from.sorted_tokens, slots, host.sorted_tokens);
  get(from.block_ids, slots / plan.block_size, host.block_ids);
  get(from.total_post_pad, 1, host.total_post_pad);
  backend.synchronize(stream);
  return host;
}

}  // namespace switchyard::tools
