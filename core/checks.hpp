// SPDX-License-Identifier: Apache-2.0
// Validation of what callers pass, before anything is enqueued. Every bound comes from
// switchyard/limits.hpp or from the layer's own extents; every message names argument, value,
// bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "switchyard/graph_cache.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/moe_layer.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::core {

/// Throws Error{invalid_argument} unless max_tokens is in [0, limits::kMaxTokens].
SWITCHYARD_API void check_max_tokens(std::int64_t max_tokens);

/// Throws Error{invalid_argument} for a block size that is not one of kBlockSizes.
SWITCHYARD_API void check_block_size(std::string_view name, std::int32_t block_size);

/// Throws Error{invalid_argument} for an option out of its range.
SWITCHYARD_API void check_options(const LayerOptions& options);

/// The path that SWITCHYARD_DEVICE_ROUTE asks for. Throws Error{invalid_argument} unless it is
/// unset, empty, 0 or 1.
[[nodiscard]] SWITCHYARD_API std::optional<RoutePath> route_path_of_environment();

/// Throws Error{invalid_argument} that names the tensor unless all tensors fit a valid config.
SWITCHYARD_API void check_weights(const LayerConfig& config, const HostMoeWeights& weights);

/// Throws Error{invalid_argument} unless the expert matrices of checked weights can be kept so.
/// `can_borrow`: the backend reads host memory.
SWITCHYARD_API void check_weight_storage(WeightStorage storage, const LayerConfig& config,
                                         const HostMoeWeights& weights, std::string_view backend,
                                         bool can_borrow);

/// The parts of a forward, which read different inputs.
enum class CallKind : std::uint8_t { forward, route, run_experts };

/// Throws Error{invalid_argument} that names the input. `has_router`: the layer can compute logits.
SWITCHYARD_API void check_inputs(const LayerConfig& config, const MoeInputs& inputs, CallKind kind,
                                 bool has_router);

/// Throws Error{capacity_exceeded} that names the first buffer too small for a call of num_tokens
/// with a plan of block_size, Error{invalid_argument} for one at a bad address.
SWITCHYARD_API void check_route_buffers(const LayerConfig& config, const RouteBuffers& buffers,
                                        std::int64_t num_tokens, std::int32_t block_size);

/// The same for the intermediates that `kind` uses. `computes_logits`: the gate stage runs.
SWITCHYARD_API void check_intermediates(const LayerConfig& config,
                                        const IntermediateBuffers& buffers, std::int64_t num_tokens,
                                        CallKind kind, bool computes_logits);

/// Throws Error{capacity_exceeded} unless num_tokens fits a scratch planned for max_tokens.
SWITCHYARD_API void check_scratch_tokens(std::int64_t num_tokens, std::int64_t max_tokens);

/// Throws Error{invalid_argument} unless the slab holds total_bytes at the plan's alignment.
SWITCHYARD_API void check_slab(DeviceSpan<std::byte> slab, const WorkspacePlan& plan);

/// Throws Error{invalid_argument} for an option out of its range.
SWITCHYARD_API void check_graph_cache_options(const GraphCacheOptions& options);

/// Throws Error{not_capturable} that names what cannot be captured and the way out.
[[noreturn]] SWITCHYARD_API void throw_not_capturable(std::string_view what);

}  // namespace switchyard::core
