// SPDX-License-Identifier: Apache-2.0
/// \file
/// The MoE layer: routes tokens to experts, runs the experts and combines their rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "switchyard/backend.hpp"
#include "switchyard/forward_path.hpp"
#include "switchyard/index.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/scratch.hpp"
#include "switchyard/weights.hpp"

namespace switchyard {

/// Who fills the plan.
enum class RoutePath : std::uint8_t {
  device,  ///< The route and plan stages, on the device.
  host,    ///< The host: logits are read back, the plan is built there and uploaded.
};

/// "device" or "host".
[[nodiscard]] SWITCHYARD_API std::string_view name(RoutePath path) noexcept;

/// Where a layer keeps the expert matrices: gate_up and down, shared ones included.
enum class WeightStorage : std::uint8_t {
  copied,    ///< In device memory, in the layout that is fastest there.
  borrowed,  ///< Where they lie in host memory, which outlives the layer and its operations; memory
             ///< that maps a file, for example. For backends that read host memory
             ///< (BorrowingBackend). Their dtype is weight_dtype. Slower: no layout suits better
             ///< than the one chosen for the device.
};

/// "copied" or "borrowed".
[[nodiscard]] SWITCHYARD_API std::string_view name(WeightStorage storage) noexcept;

/// Choices of one layer object.
struct LayerOptions {
  /// Fixes the path. Unset: the device path where a bundle is passed, else the host path. The
  /// environment variable SWITCHYARD_DEVICE_ROUTE=0|1 (host|device), read once when the layer is
  /// made, overrides both.
  std::optional<RoutePath> route_path{};
  /// Asks for the stages of the device path. A call that the backend's bodies cannot run so, and
  /// every call where this is unset, takes the backend's choice; MoeLayer::forward_path tells it.
  std::optional<ForwardPath> forward_path{};
  /// Fixes the block size of sorted_tokens, one of kBlockSizes. Unset: choose_block_size, by the
  /// load of the experts on the host path, by the extents on the device path.
  std::optional<std::int32_t> block_size{};
  WeightStorage weight_storage = WeightStorage::copied;
};

/// What one forward reads and writes, in device memory. T = hidden_states.rows; the matrices are
/// dense and have the layer's activation dtype unless said otherwise. Null data is fine where T is
/// 0.
struct MoeInputs {
  ConstDeviceMatrix hidden_states;  ///< [T, H]

  /// [T, E] in any dtype, or absent (null): then the layer computes them from the gate's weight.
  ConstDeviceMatrix router_logits;

  /// [T*K] experts chosen by the caller, untrusted: an id outside [0, E) skips its pair, duplicates
  /// count each. Empty: the layer routes. Excludes router_logits.
  DeviceSpan<const ExpertId> selected_ids;
  DeviceSpan<const float> pair_weights;  ///< [T*K], with selected_ids; used as they are.

  /// [1] tokens that are alive, clamped to [0, T]; read by the device when it runs. Rows of output
  /// beyond are zero. Empty: all T.
  DeviceSpan<const std::int32_t> live_tokens;

  ConstDeviceMatrix residual;  ///< [T, H] added to the output, or absent. May be output itself.
  DeviceMatrix output;         ///< [T, H]; may be hidden_states itself.

  bool operator==(const MoeInputs&) const = default;
};

/// An MoE layer with its weights on the device of a backend.
///
/// Results are bitwise reproducible from run to run, and a token's output does not depend on the
/// other tokens of the call; nor on how many they are, but for ForwardPath::fused_layer, whose sums
/// go in an order of their own, which their number may decide. forward, route and run_experts check
/// their arguments first and throw Error{invalid_argument} or Error{capacity_exceeded} with nothing
/// enqueued.
///
/// Thread-safety: calls on the device path may run at the same time on different streams, each with
/// a scratch of its own. The host path uses one host scratch per layer and serialises its callers.
template <Backend B>
class MoeLayer {
 public:
  using Stream = typename B::Stream;

  /// Validates, converts and uploads the weights through `stream` and waits for it; the host memory
  /// is free afterwards, but for what is borrowed. `backend` outlives the layer. Throws
  /// Error{invalid_argument} that names the tensor or field, Error{out_of_memory}.
  MoeLayer(B& backend, Stream& stream, const LayerConfig& config, const HostMoeWeights& weights,
           const LayerOptions& options = {});
  MoeLayer(MoeLayer&&) noexcept;
  MoeLayer& operator=(MoeLayer&&) noexcept;
  /// Frees the weights: every stream has passed the layer's operations by then.
  ~MoeLayer();

  [[nodiscard]] const LayerConfig& config() const noexcept;

  /// The path a call takes, by the environment, the options and whether a bundle is passed.
  [[nodiscard]] RoutePath route_path(bool bundle_passed) const noexcept;

  /// The block size of a device-path plan for num_tokens tokens.
  [[nodiscard]] std::int32_t block_size(std::int64_t num_tokens) const noexcept;

  /// The stages of a forward of the device path; with plan_only, of route, where fused_layer is no
  /// answer.
  [[nodiscard]] ForwardPath forward_path(const MoeInputs& inputs, bool plan_only = false) const;

  /// One line for people: shapes, dtypes, router, the path and the launches of a plain call: one
  /// that brings no ids, live tokens or residual, and an output of its own.
  [[nodiscard]] std::string describe(std::int64_t num_tokens) const;

  /// output = sum over k, in order, of weight * expert(hidden_states), + shared expert, + residual.
  ///
  /// Device path: enqueues and returns; allocates nothing, reads nothing back, synchronises
  /// nothing; can be captured. Host path: waits for the logits; allocates in its first call only;
  /// throws Error{not_capturable} while the stream is being captured. The plan is left in the
  /// bundle, or in the layer's own buffers where none is passed (valid until the layer's next call
  /// without one).
  RoutePlan<B> forward(Stream& stream, const MoeInputs& inputs,
                       const MoeIntermediates<B>& intermediates,
                       const DeviceRouteScratch<B>* route_scratch);

  /// The same with the bundle and the intermediates of `scratch`. The device path, unless the
  /// options or the environment choose the host path, which then fills the bundle of `scratch`.
  RoutePlan<B> forward(Stream& stream, const MoeInputs& inputs, const MoeScratch<B>& scratch);
  /// A temporary scratch would be gone before the stream has used it.
  RoutePlan<B> forward(Stream& stream, const MoeInputs& inputs,
                       const MoeScratch<B>&& scratch) = delete;

  /// The plan alone: the launches of forward up to the plan. Reads hidden_states only where the
  /// layer computes the logits; ignores residual and output.
  RoutePlan<B> route(Stream& stream, const MoeInputs& inputs,
                     const MoeIntermediates<B>& intermediates,
                     const DeviceRouteScratch<B>* route_scratch);

  /// The rest of forward, on a plan as route leaves it. A plan that route did not make must hold
  /// the contract of DeviceRouteScratch for the T of this call. Enqueue only; can be captured.
  void run_experts(Stream& stream, const MoeInputs& inputs,
                   const MoeIntermediates<B>& intermediates, const RoutePlan<B>& plan);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace switchyard
