// SPDX-License-Identifier: Apache-2.0
// Expert parallelism: two ranks hold four experts each. Both are handed the same choice of experts,
// compute the pairs whose expert they hold and skip the rest; the sum of their outputs is the
// layer's. Summing is the caller's business: an all-reduce in a real program.
#include <cmath>

#include "support.hpp"

int main() {
  using namespace example;
  using switchyard::ExpertId;
  SmallLayer small;
  Backend backend;
  auto stream = backend.make_stream();

  // Experts and weights chosen by the caller, T = 3, K = 2. An id out of range skips its pair.
  const auto ids =
      to_device(backend, stream,
                std::vector<ExpertId>{ExpertId{0}, ExpertId{5}, ExpertId{7}, ExpertId{2},
                                      ExpertId{4}, switchyard::kNoExpert});
  const auto pair_weights =
      to_device(backend, stream, std::vector<float>{0.75F, 0.25F, 0.5F, 0.5F, 1.0F, 0.0F});
  const auto hidden = to_device(backend, stream, random_floats(3 * 64, 4));

  const auto run = [&](std::int64_t first, std::int64_t count) {
    std::vector<std::int32_t> expert_map(8, -1);  // global id to local id, -1: held elsewhere
    for (std::int32_t local = 0; local < count; ++local) {
      expert_map[static_cast<std::size_t>(first + local)] = local;
    }
    switchyard::LayerConfig config = small.config;
    config.num_local_experts = count;
    auto weights = small.weights(first, count);
    weights.expert_map = expert_map;
    Layer layer(backend, stream, config, weights);
    const Scratch scratch(backend, switchyard::plan_workspace(config, 3));

    const auto output = backend.allocate<float>(3 * 64);
    switchyard::MoeInputs inputs;
    inputs.hidden_states = matrix(hidden, 64);
    inputs.selected_ids = ids.span();
    inputs.pair_weights = pair_weights.span();
    inputs.output = matrix(output, 64);
    layer.forward(stream, inputs, scratch);
    return to_host(backend, stream, output.span());
  };

  const auto whole = run(0, 8), lower = run(0, 4), upper = run(4, 4);
  bool agree = true;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    agree = agree && std::abs(lower[i] + upper[i] - whole[i]) <= 1e-5F;
  }
  return report("the two ranks sum to the whole layer", agree);
}
