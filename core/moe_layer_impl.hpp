// SPDX-License-Identifier: Apache-2.0
// MoeLayer<B>, for those who instantiate it over a backend: include this file and write
//   template class switchyard::MoeScratch<MyBackend>;
//   template class switchyard::MoeLayer<MyBackend>;
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "core/checks.hpp"
#include "core/choose_path.hpp"
#include "core/describe.hpp"
#include "core/expert_weights.hpp"
#include "core/host_route.hpp"
#include "core/out_of_memory.hpp"
#include "core/scratch_impl.hpp"
#include "core/stage_params.hpp"
#include "switchyard/moe_layer.hpp"

namespace switchyard {

template <Backend B>
struct MoeLayer<B>::Impl {
  Impl(B& backend_in, Stream& stream, const LayerConfig& config_in,
       const HostMoeWeights& host_weights, const LayerOptions& options_in)
      : backend(backend_in),
        config(config_in),
        options(options_in),
        environment(core::route_path_of_environment()),
        weights(backend_in, stream, config_in, host_weights, options_in.weight_storage),
        host_router(core::host_router(host_weights)),
        host_route(backend_in) {}

  [[nodiscard]] bool has_router() const noexcept { return weights.addresses().router != nullptr; }

  [[nodiscard]] bool computes_logits(const MoeInputs& inputs) const noexcept {
    return has_router() && inputs.router_logits.data == nullptr && inputs.selected_ids.empty();
  }

  [[nodiscard]] std::int32_t device_block_size(std::int64_t num_tokens) const noexcept {
    if (options.block_size) return *options.block_size;
    return choose_block_size(num_tokens * config.top_k, config.local_experts());
  }

  [[nodiscard]] core::StageContext context(const MoeInputs& inputs,
                                           const MoeIntermediates<B>& intermediates,
                                           const RoutePlan<B>& plan) const {
    return {config, weights.addresses(), inputs, intermediates, plan.buffers, plan.block_size};
  }

  [[nodiscard]] ForwardPath choose_path(const MoeInputs& inputs, std::int32_t block_size,
                                        bool plan_only) const {
    const ForwardCall call =
        core::forward_call(config, weights.addresses(), inputs, block_size, plan_only);
    return core::choose_path(backend, call, options.forward_path);
  }

  template <class Stage>
  void launch(Stream& stream, const typename Stage::Params& params) {
    backend.template launch<Stage>(stream, typename B::LaunchConfig{}, params);
  }

  void enqueue_route_and_plan(Stream& stream, const core::StageContext& call, ForwardPath path) {
    if constexpr (has_path<B>(ForwardPath::route_plan))
      if (path == ForwardPath::route_plan)
        return launch<kernels::RoutePlan>(stream, core::route_plan_params(call));
    const MoeInputs& inputs = call.inputs;
    if (inputs.selected_ids.empty()) {
      launch<kernels::Route>(stream, core::route_params(call));
    } else {
      const std::size_t pairs = inputs.selected_ids.size();
      backend.copy(stream, as_writable_bytes(call.route.selected_ids.first(pairs)),
                   as_bytes(inputs.selected_ids));
      backend.copy(stream, as_writable_bytes(call.route.pair_weights.first(pairs)),
                   as_bytes(inputs.pair_weights));
    }
    launch<kernels::Plan>(stream, core::plan_params(call));
  }

  void enqueue_experts(Stream& stream, const core::StageContext& call) {
    launch<kernels::GateUp>(stream, core::gate_up_params(call));
    launch<kernels::Down>(stream, core::down_params(call));
    enqueue_shared_expert(stream, call);
    launch<kernels::Combine>(stream, core::combine_params(call));
  }

  /// Up to the rows that combine adds.
  void enqueue_shared_expert(Stream& stream, const core::StageContext& call) {
    if (config.shared_expert.intermediate_size > 0) {
      launch<kernels::GateUp>(stream, core::shared_gate_up_params(call));
      launch<kernels::Down>(stream, core::shared_down_params(call));
    }
    if (config.shared_expert.gated) launch<kernels::Gate>(stream, core::shared_gate_params(call));
  }

  /// Tokens that the caller's intermediates have room for; 0 where the call does not bring them.
  [[nodiscard]] std::int64_t capacity_tokens(const MoeIntermediates<B>& intermediates) const {
    const std::int64_t bytes_per_token =
        config.top_k * config.intermediate_size *
        static_cast<std::int64_t>(size_of(config.activation_dtype));
    return static_cast<std::int64_t>(intermediates.activated.size()) / bytes_per_token;
  }

  /// The host path may choose any block size where none is fixed.
  void check_route_buffers(const RoutePlan<B>& plan, std::int64_t num_tokens,
                           bool uses_host) const {
    core::check_route_buffers(config, plan.buffers, num_tokens, plan.block_size);
    if (!uses_host || options.block_size) return;
    for (const std::int32_t block_size : kBlockSizes)
      core::check_route_buffers(config, plan.buffers, num_tokens, block_size);
  }

  /// Everything up to the plan; then, for a whole forward, the experts.
  RoutePlan<B> run(Stream& stream, const MoeInputs& inputs,
                   const MoeIntermediates<B>& intermediates,
                   const DeviceRouteScratch<B>* route_scratch, core::CallKind kind,
                   RoutePath path) {
    const std::int64_t tokens = inputs.hidden_states.rows;
    core::check_inputs(config, inputs, kind, has_router());
    core::check_intermediates(config, intermediates, tokens, kind, computes_logits(inputs));
    const bool uses_host = path == RoutePath::host;
    RoutePlan<B> plan{{}, device_block_size(tokens)};
    if (route_scratch != nullptr) {
      plan.buffers = *route_scratch;
      check_route_buffers(plan, tokens, uses_host);
    }
    if (stream.is_capturing() && uses_host)
      core::throw_not_capturable(
          "the host-mediated path waits for the device and cannot be captured; pass a "
          "DeviceRouteScratch and leave SWITCHYARD_DEVICE_ROUTE unset or 1");
    if (stream.is_capturing() && route_scratch == nullptr)
      core::throw_not_capturable(
          "route_scratch is null: plan buffers of the layer's own cannot be captured; pass a "
          "DeviceRouteScratch");
    if (!uses_host && route_scratch != nullptr) {
      enqueue(stream, inputs, intermediates, plan, kind);
      return plan;
    }
    const std::scoped_lock lock(host_mutex);
    return core::translate_bad_alloc([&] {
      const std::int64_t capacity = capacity_tokens(intermediates);
      if (route_scratch == nullptr)
        plan.buffers = host_route.own_buffers(backend, config, capacity, tokens);
      host_route.begin(backend, stream);
      if (uses_host) {
        plan.block_size = fill_plan_on_host(stream, inputs, intermediates, plan, capacity);
        if (kind == core::CallKind::forward)
          enqueue_experts(stream, context(inputs, intermediates, plan));
      } else {
        enqueue(stream, inputs, intermediates, plan, kind);
      }
      host_route.end(backend, stream);
      return plan;
    });
  }

  void enqueue(Stream& stream, const MoeInputs& inputs, const MoeIntermediates<B>& intermediates,
               const RoutePlan<B>& plan, core::CallKind kind) {
    const core::StageContext call = context(inputs, intermediates, plan);
    const ForwardPath path = choose_path(inputs, plan.block_size, kind == core::CallKind::route);
    if (computes_logits(inputs)) launch<kernels::Gate>(stream, core::gate_params(call));
    if constexpr (has_path<B>(ForwardPath::fused_layer)) {
      if (path == ForwardPath::fused_layer) {
        enqueue_shared_expert(stream, call);
        return launch<kernels::FusedLayer>(stream, core::fused_layer_params(call));
      }
    }
    if constexpr (has_path<B>(ForwardPath::coupled_layer)) {
      if (path == ForwardPath::coupled_layer) {
        enqueue_shared_expert(stream, call);
        return launch<kernels::CoupledLayer>(stream, core::fused_layer_params(call));
      }
    }
    enqueue_route_and_plan(stream, call, path);
    if (kind == core::CallKind::forward) enqueue_experts(stream, call);
  }

  std::int32_t fill_plan_on_host(Stream& stream, const MoeInputs& inputs,
                                 const MoeIntermediates<B>& intermediates, const RoutePlan<B>& plan,
                                 std::int64_t capacity) {
    const core::StageContext call = context(inputs, intermediates, plan);
    if (computes_logits(inputs)) launch<kernels::Gate>(stream, core::gate_params(call));
    return host_route.fill_plan(backend, stream, call, host_router, capacity, options.block_size);
  }

  B& backend;
  const LayerConfig config;
  const LayerOptions options;
  const std::optional<RoutePath> environment;
  const core::ExpertWeights<B> weights;
  const core::HostRouter host_router;

  std::mutex host_mutex;  // guards host_route
  core::HostRoute<B> host_route;
};

template <Backend B>
MoeLayer<B>::MoeLayer(B& backend, Stream& stream, const LayerConfig& config,
                      const HostMoeWeights& weights, const LayerOptions& options) {
  validate(config);
  core::check_options(options);
  core::check_weights(config, weights);
  core::check_weight_storage(options.weight_storage, config, weights, B::kName,
                             BorrowingBackend<B>);
  if (stream.is_capturing())
    core::throw_not_capturable("a layer's weights cannot be loaded on a stream that is captured");
  impl_ = core::translate_bad_alloc(
      [&] { return std::make_unique<Impl>(backend, stream, config, weights, options); });
}

template <Backend B>
MoeLayer<B>::MoeLayer(MoeLayer&&) noexcept = default;
template <Backend B>
MoeLayer<B>& MoeLayer<B>::operator=(MoeLayer&&) noexcept = default;
template <Backend B>
MoeLayer<B>::~MoeLayer() = default;

template <Backend B>
const LayerConfig& MoeLayer<B>::config() const noexcept {
  return impl_->config;
}

template <Backend B>
RoutePath MoeLayer<B>::route_path(bool bundle_passed) const noexcept {
  if (impl_->environment) return *impl_->environment;
  return impl_->options.route_path.value_or(bundle_passed ? RoutePath::device : RoutePath::host);
}

template <Backend B>
std::int32_t MoeLayer<B>::block_size(std::int64_t num_tokens) const noexcept {
  return impl_->device_block_size(num_tokens);
}

template <Backend B>
ForwardPath MoeLayer<B>::forward_path(const MoeInputs& inputs, bool plan_only) const {
  return impl_->choose_path(inputs, block_size(inputs.hidden_states.rows), plan_only);
}

template <Backend B>
std::string MoeLayer<B>::describe(std::int64_t num_tokens) const {
  MoeInputs plain;
  plain.hidden_states.rows = num_tokens;
  core::CallDescription call{num_tokens, block_size(num_tokens), impl_->has_router(),
                             forward_path(plain), ""};
  if constexpr (DescribingBackend<B>)
    call.products = impl_->backend.describe_products(core::forward_call(
        impl_->config, impl_->weights.addresses(), plain, call.block_size, false));
  return core::describe(impl_->config, call);
}

template <Backend B>
RoutePlan<B> MoeLayer<B>::forward(Stream& stream, const MoeInputs& inputs,
                                  const MoeIntermediates<B>& intermediates,
                                  const DeviceRouteScratch<B>* route_scratch) {
  return impl_->run(stream, inputs, intermediates, route_scratch, core::CallKind::forward,
                    route_path(route_scratch != nullptr));
}

template <Backend B>
RoutePlan<B> MoeLayer<B>::forward(Stream& stream, const MoeInputs& inputs,
                                  const MoeScratch<B>& scratch) {
  const DeviceRouteScratch<B> bundle = scratch.route(inputs.hidden_states.rows);
  return forward(stream, inputs, scratch.intermediates(), &bundle);
}

template <Backend B>
RoutePlan<B> MoeLayer<B>::route(Stream& stream, const MoeInputs& inputs,
                                const MoeIntermediates<B>& intermediates,
                                const DeviceRouteScratch<B>* route_scratch) {
  return impl_->run(stream, inputs, intermediates, route_scratch, core::CallKind::route,
                    route_path(route_scratch != nullptr));
}

template <Backend B>
void MoeLayer<B>::run_experts(Stream& stream, const MoeInputs& inputs,
                              const MoeIntermediates<B>& intermediates, const RoutePlan<B>& plan) {
  constexpr auto kKind = core::CallKind::run_experts;
  const std::int64_t tokens = inputs.hidden_states.rows;
  core::check_inputs(impl_->config, inputs, kKind, impl_->has_router());
  core::check_intermediates(impl_->config, intermediates, tokens, kKind, false);
  core::check_block_size("plan.block_size", plan.block_size);
  core::check_route_buffers(impl_->config, plan.buffers, tokens, plan.block_size);
  impl_->enqueue_experts(stream, impl_->context(inputs, intermediates, plan));
}

}  // namespace switchyard
