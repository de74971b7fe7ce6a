// SPDX-License-Identifier: Apache-2.0
// One row of a table of bad arguments.
#pragma once

#include <cstdint>
#include <functional>
#include <sstream>
#include <string>

#include "support/catch.hpp"
#include "support/layer_case.hpp"
#include "switchyard/error.hpp"

namespace switchyard::test {

/// Calls `call` and asserts the code and the exact message of the Error that it throws.
template <class Call>
void expect_error(Call&& call, ErrorCode code, const std::string& message) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(std::string(name(error.code())) == std::string(name(code)));
    CHECK(std::string(error.what()) == message);
    return;
  }
  FAIL_CHECK("nothing was thrown, expected: " << message);
}

/// The message about an address that is not aligned.
inline std::string misaligned(const std::string& argument, const void* data, int alignment) {
  std::ostringstream text;
  text << argument << " is at address 0x" << std::hex << reinterpret_cast<std::uintptr_t>(data)
       << std::dec << ", must be a multiple of " << alignment;
  return text.str();
}

inline LayerCase call_layer(bool with_router) {
  LayerCase layer;
  layer.config.hidden_size = 8;
  layer.config.intermediate_size = 6;
  layer.config.num_experts = 5;
  layer.config.top_k = 2;
  layer.config.shared_expert = {4, true};
  Random random(115);
  fill_tensors(random, layer, false);
  if (!with_router) layer.router = Tensor();
  return layer;
}

inline CallCase good_call(const LayerCase& layer) {
  Random random(116);
  CallCase call = random_call(random, layer, 3, Routing::logits);
  call.router_logits = Tensor(call.router_logits.values(), DType::f32, {1, 3, 5});
  call.live_tokens.reset();
  call.residual = Tensor();
  call.residual_is_output = call.output_is_hidden_states = false;
  return call;
}

}  // namespace switchyard::test
