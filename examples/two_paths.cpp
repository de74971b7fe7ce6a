// SPDX-License-Identifier: Apache-2.0
// Pass the bundle and routing stays on the device; pass none and the host mediates. The plans are
// equal bit by bit, and so is the output.
#include "support.hpp"

int main() {
  using namespace example;
  const SmallLayer small;
  Backend backend;
  auto stream = backend.make_stream();
  // The host knows the load of the experts when it chooses the block size, the device does not: one
  // fixed size makes the block-padded order comparable too.
  Layer layer(backend, stream, small.config, small.weights(), {.block_size = 16});

  const auto hidden = to_device(backend, stream, random_floats(5 * 64, 4));
  const auto output = backend.allocate<float>(5 * 64);
  switchyard::MoeInputs inputs;
  inputs.hidden_states = matrix(hidden, 64);
  inputs.output = matrix(output, 64);

  const Scratch scratch(backend, switchyard::plan_workspace(small.config, 5));
  const auto bundle = scratch.route(5);
  const auto on_device = layer.forward(stream, inputs, scratch.intermediates(), &bundle);
  const auto device_rows = to_host(backend, stream, on_device.buffers.pairs_by_token);
  const auto device_output = to_host(backend, stream, output.span());

  const auto by_host = layer.forward(stream, inputs, scratch.intermediates(), nullptr);
  const auto host_rows = to_host(backend, stream, by_host.buffers.pairs_by_token);
  const auto host_output = to_host(backend, stream, output.span());

  return report("both paths agree", device_rows == host_rows && device_output == host_output);
}
