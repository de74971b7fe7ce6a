// SPDX-License-Identifier: Apache-2.0
/// \file
/// The layer as one free function over one parameter bundle.
#pragma once

#include "switchyard/moe_layer.hpp"

namespace switchyard {

/// What moe_forward_bucketed needs.
template <Backend B>
struct MoeForwardParams {
  MoeLayer<B>& layer;
  typename B::Stream& stream;
  MoeInputs inputs;
  MoeIntermediates<B> intermediates;
  /// Passed: routing stays on the device. Null: the host mediates.
  const DeviceRouteScratch<B>* device_route = nullptr;
};

/// MoeLayer::forward with its documentation: bucket the tokens by expert, run the experts, combine.
template <Backend B>
RoutePlan<B> moe_forward_bucketed(const MoeForwardParams<B>& params) {
  return params.layer.forward(params.stream, params.inputs, params.intermediates,
                              params.device_route);
}

}  // namespace switchyard
