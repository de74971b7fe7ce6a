// SPDX-License-Identifier: Apache-2.0
// Checks of what a call passes: inputs, plan buffers, intermediates.
#include <bit>
#include <string>
#include <string_view>

#include "core/checks.hpp"
#include "core/throw.hpp"
#include "kernels/route_plan/params.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::core {
namespace {

void check_address(std::string_view name, const void* data, std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  require(address % alignment == 0, "{} is at address {:#x}, must be a multiple of {}", name,
          address, alignment);
}

void check_matrix(std::string_view name, const ConstDeviceMatrix& matrix, std::int64_t rows,
                  std::string_view rows_name, std::int64_t cols, std::string_view cols_name) {
  require(matrix.rows == rows, "{}.rows is {}, must be {} = {}", name, matrix.rows, rows_name,
          rows);
  require(matrix.cols == cols, "{}.cols is {}, must be {} = {}", name, matrix.cols, cols_name,
          cols);
  require(matrix.dtype <= DType::f16, "{}.dtype is {}, must be an enumerator in [0, 2]", name,
          static_cast<int>(matrix.dtype));
  require(matrix.data != nullptr || rows == 0, "{}.data is null, must hold {} rows", name, rows);
  check_address(name, matrix.data, size_of(matrix.dtype));
}

void check_activation_matrix(std::string_view name, const ConstDeviceMatrix& matrix,
                             const LayerConfig& config, std::int64_t rows) {
  check_matrix(name, matrix, rows, "num_tokens", config.hidden_size, "hidden_size");
  require(matrix.dtype == config.activation_dtype, "{}.dtype is {}, must be activation_dtype = {}",
          name, switchyard::name(matrix.dtype), switchyard::name(config.activation_dtype));
}

template <class T>
void check_pairs(std::string_view name, DeviceSpan<T> span, std::int64_t pairs) {
  require(static_cast<std::int64_t>(span.size()) == pairs,
          "{} has {} elements, must have num_tokens * top_k = {}", name, span.size(), pairs);
  require(span.data() != nullptr || pairs == 0, "{}.data is null, must hold {} elements", name,
          pairs);
  check_address(name, span.data(), alignof(T));
}

/// Who decides where tokens go: the caller's ids, the caller's logits or the layer's router.
void check_routing_inputs(const LayerConfig& config, const MoeInputs& inputs, bool has_router) {
  const std::int64_t tokens = inputs.hidden_states.rows;
  const bool has_logits = inputs.router_logits.data != nullptr || inputs.router_logits.rows != 0;
  if (!inputs.selected_ids.empty() || !inputs.pair_weights.empty()) {
    require(!has_logits, "router_logits is given, must be absent where selected_ids is given");
    check_pairs("selected_ids", inputs.selected_ids, tokens * config.top_k);
    check_pairs("pair_weights", inputs.pair_weights, tokens * config.top_k);
  } else if (has_logits) {
    check_matrix("router_logits", inputs.router_logits, tokens, "num_tokens", config.num_experts,
                 "num_experts");
  } else {
    require(has_router || tokens == 0,
            "router_logits is absent, must be given where the layer has no router weight");
  }
}

/// "num_tokens * top_k = 12"; the number alone where that is the formula.
[[nodiscard]] std::string bound_text(std::string_view formula, std::int64_t value) {
  const std::string number = std::to_string(value);
  return formula == number ? number : std::string(formula) + " = " + number;
}

/// One buffer of a bundle: what it holds and what the call needs.
template <class T>
void check_buffer(std::string_view name, DeviceSpan<T> buffer, std::int64_t needed,
                  std::string_view formula, std::size_t alignment = alignof(T)) {
  if (static_cast<std::int64_t>(buffer.size()) < needed)
    fail(ErrorCode::capacity_exceeded, "{} holds {} elements, must hold at least {}", name,
         buffer.size(), bound_text(formula, needed));
  require(buffer.data() != nullptr || needed == 0, "{}.data is null, must hold {} elements", name,
          needed);
  require(buffer.size() <= static_cast<std::size_t>(INT32_MAX) || alignof(T) == 1,
          "{} holds {} elements, must hold at most 2147483647", name, buffer.size());
  check_address(name, buffer.data(), alignment);
}

/// A buffer whose every element is filled has the size that the fill goes by.
void check_exact(std::string_view name, std::size_t size, std::int64_t wanted,
                 std::string_view formula) {
  if (static_cast<std::int64_t>(size) == wanted) return;
  fail(ErrorCode::invalid_argument, "{} holds {} elements, must hold {}", name, size,
       bound_text(formula, wanted));
}

template <class T>
void check_pair_buffer(std::string_view name, DeviceSpan<T> buffer, const RouteBuffers& buffers,
                       std::int64_t pairs) {
  check_buffer(name, buffer, pairs, "num_tokens * top_k");
  check_exact(name, buffer.size(), static_cast<std::int64_t>(buffers.selected_ids.size()),
              "as many as selected_ids");
}

}  // namespace

void check_inputs(const LayerConfig& config, const MoeInputs& inputs, CallKind kind,
                  bool has_router) {
  const std::int64_t tokens = inputs.hidden_states.rows;
  require_range("hidden_states.rows", tokens, 0, limits::kMaxTokens, "kMaxTokens");
  check_activation_matrix("hidden_states", inputs.hidden_states, config, tokens);
  if (kind != CallKind::run_experts) check_routing_inputs(config, inputs, has_router);
  require(inputs.live_tokens.size() <= 1, "live_tokens has {} elements, must have 0 or 1",
          inputs.live_tokens.size());
  require(inputs.live_tokens.empty() || inputs.live_tokens.data() != nullptr,
          "live_tokens.data is null, must hold 1 element");
  check_address("live_tokens", inputs.live_tokens.data(), alignof(std::int32_t));
  if (kind == CallKind::route) return;
  if (inputs.residual.data != nullptr || inputs.residual.rows != 0)
    check_activation_matrix("residual", inputs.residual, config, tokens);
  check_activation_matrix("output", inputs.output, config, tokens);
}

void check_route_buffers(const LayerConfig& config, const RouteBuffers& buffers,
                         std::int64_t num_tokens, std::int32_t block_size) {
  const std::int64_t pairs = num_tokens * config.top_k;
  const std::int64_t experts = config.local_experts();
  const std::int64_t slots = padded_capacity(pairs, experts, block_size);
  constexpr std::string_view kPairs = "num_tokens * top_k";
  check_buffer("selected_ids", buffers.selected_ids, pairs, kPairs);
  check_pair_buffer("pair_weights", buffers.pair_weights, buffers, pairs);
  check_pair_buffer("pairs_by_token", buffers.pairs_by_token, buffers, pairs);
  check_pair_buffer("packed_token_idx", buffers.packed_token_idx, buffers, pairs);
  check_buffer("expert_offsets", buffers.expert_offsets, experts + 1, "num_local_experts + 1");
  check_exact("expert_offsets", buffers.expert_offsets.size(), experts + 1,
              "num_local_experts + 1");
  check_buffer("sorted_tokens", buffers.sorted_tokens, slots, "padded_capacity");
  check_buffer("block_ids", buffers.block_ids, slots / block_size, "padded_capacity / block_size");
  check_buffer("total_post_pad", buffers.total_post_pad, 1, "1");
  check_exact("total_post_pad", buffers.total_post_pad.size(), 1, "1");
}

void check_intermediates(const LayerConfig& config, const IntermediateBuffers& buffers,
                         std::int64_t num_tokens, CallKind kind, bool computes_logits) {
  if (kind != CallKind::run_experts)
    check_buffer("plan_scratch", buffers.plan_scratch,
                 kernels::planning_scratch_size(num_tokens, config.top_k, config.local_experts()),
                 "plan_scratch_size");
  if (computes_logits)
    check_buffer("router_logits", buffers.router_logits, num_tokens * config.num_experts,
                 "num_tokens * num_experts");
  if (kind == CallKind::route) return;
  const auto element = static_cast<std::int64_t>(size_of(config.activation_dtype));
  const std::size_t alignment = size_of(config.activation_dtype);
  const std::int64_t pairs = num_tokens * config.top_k;
  check_buffer("activated", buffers.activated, pairs * config.intermediate_size * element,
               "num_tokens * top_k * intermediate_size in bytes", alignment);
  check_buffer("expert_rows", buffers.expert_rows, pairs * config.hidden_size * element,
               "num_tokens * top_k * hidden_size in bytes", alignment);
  const std::int64_t shared = config.shared_expert.intermediate_size;
  if (shared == 0) return;
  check_buffer("shared_activated", buffers.shared_activated, num_tokens * shared * element,
               "num_tokens * shared_expert.intermediate_size in bytes", alignment);
  check_buffer("shared_rows", buffers.shared_rows, num_tokens * config.hidden_size * element,
               "num_tokens * hidden_size in bytes", alignment);
  if (config.shared_expert.gated)
    check_buffer("shared_gate", buffers.shared_gate, num_tokens, "num_tokens");
}

void check_scratch_tokens(std::int64_t num_tokens, std::int64_t max_tokens) {
  require(num_tokens >= 0, "num_tokens is {}, must be at least 0", num_tokens);
  if (num_tokens > max_tokens)
    fail(ErrorCode::capacity_exceeded, "num_tokens is {}, must be at most max_tokens = {}",
         num_tokens, max_tokens);
}

void check_slab(DeviceSpan<std::byte> slab, const WorkspacePlan& plan) {
  require(slab.size() >= plan.total_bytes, "slab has {} bytes, must have at least {}", slab.size(),
          plan.total_bytes);
  require(slab.data() != nullptr, "slab.data is null, must hold {} bytes", plan.total_bytes);
  check_address("slab", slab.data(), WorkspacePlan::kAlignment);
}

void throw_not_capturable(std::string_view what) {
  throw Error(ErrorCode::not_capturable, std::string(what));
}

}  // namespace switchyard::core
