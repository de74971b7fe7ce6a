// SPDX-License-Identifier: Apache-2.0
// Plan once, then only enqueue: the plan says how much memory forwards need and where each buffer
// lies in it; the caller owns the slab, here one that two layers use in turn.
#include "support.hpp"

int main() {
  using namespace example;
  const SmallLayer small;
  const switchyard::WorkspacePlan plan = switchyard::plan_workspace(small.config, 16);
  std::printf("16 tokens need %zu bytes; sorted_tokens is %zu of them, at offset %zu\n",
              plan.total_bytes, plan.sorted_tokens.bytes, plan.sorted_tokens.offset);

  Backend backend;
  auto stream = backend.make_stream();
  const auto arena = backend.allocate<std::byte>(plan.total_bytes + plan.kAlignment);
  const auto address = reinterpret_cast<std::uintptr_t>(arena.span().data());
  const std::size_t skip = (plan.kAlignment - address % plan.kAlignment) % plan.kAlignment;
  const Scratch scratch(arena.span().subspan(skip, plan.total_bytes), plan);

  Layer first(backend, stream, small.config, small.weights());
  Layer second(backend, stream, small.config, small.weights());
  std::printf("%s\n", first.describe(16).c_str());

  const auto hidden = to_device(backend, stream, random_floats(16 * 64, 4));
  const auto middle = backend.allocate<float>(16 * 64), output = backend.allocate<float>(16 * 64);
  switchyard::MoeInputs inputs;
  inputs.hidden_states = matrix(hidden, 64);
  inputs.output = matrix(middle, 64);
  first.forward(stream, inputs, scratch);  // forwards on one stream may share a slab unwaited
  inputs.hidden_states = matrix(middle, 64);
  inputs.output = matrix(output, 64);
  second.forward(stream, inputs, scratch);

  const auto once = to_host(backend, stream, middle.span());
  const auto twice = to_host(backend, stream, output.span());
  const Scratch owned(backend, plan);
  second.forward(stream, inputs, owned);
  const auto fresh = to_host(backend, stream, output.span());
  return report("a borrowed slab gives what an owned one gives", twice == fresh && twice != once);
}
