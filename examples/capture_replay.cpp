// SPDX-License-Identifier: Apache-2.0
// Capture a forward once, for the largest batch; replay it for smaller ones. Only the number of
// live tokens, in device memory, changes.
#include <algorithm>

#include "support.hpp"

int main() {
  using namespace example;
  const SmallLayer small;
  Backend backend;
  auto stream = backend.make_stream();
  Layer layer(backend, stream, small.config, small.weights());
  const Scratch scratch(backend, switchyard::plan_workspace(small.config, 8));

  const auto hidden = to_device(backend, stream, random_floats(8 * 64, 4));
  const auto output = backend.allocate<float>(8 * 64);
  const auto live = to_device(backend, stream, std::vector<std::int32_t>{8});
  switchyard::MoeInputs inputs;
  inputs.hidden_states = matrix(hidden, 64);
  inputs.output = matrix(output, 64);
  inputs.live_tokens = live.span();

  const auto graph = backend.capture(stream, [&] { layer.forward(stream, inputs, scratch); });
  backend.replay(stream, graph);
  const auto all = to_host(backend, stream, output.span());

  const std::vector<std::int32_t> three{3};
  backend.upload(stream, as_writable_bytes(live.span()), std::as_bytes(std::span(three)));
  backend.replay(stream, graph);
  const auto some = to_host(backend, stream, output.span());

  const auto is_zero = [](float value) { return value == 0.0F; };
  const bool same = std::equal(some.begin(), some.begin() + 3 * 64, all.begin());
  const bool rest_is_zero = std::all_of(some.begin() + 3 * 64, some.end(), is_zero);
  const bool was_computed = !std::all_of(all.begin(), all.end(), is_zero);
  return report("replay honours the live tokens", same && rest_is_zero && was_computed);
}
