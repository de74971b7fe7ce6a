// SPDX-License-Identifier: Apache-2.0
// CUDA's tuned bodies against the CPU backend and CUDA's own portable bodies.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "layer/support/cross_check.hpp"
#include "support/catch.hpp"
#include "support/scale.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/cuda.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

[[nodiscard]] std::unique_ptr<CudaBackend> make_portable() {
  GpuOptions options;
  options.bodies = GpuBodies::portable;
  return std::make_unique<CudaBackend>(options);
}

/// Runs one case on the CPU, on the tuned and on the portable bodies.
class ThreeBodies {
 public:
  /// Of the tuned bodies: GpuOptions::product_cluster and packs_hidden_states.
  explicit ThreeBodies(std::optional<int> product_cluster = {}, std::optional<bool> packs = {})
      : tuned_{make_tuned(product_cluster, packs)} {}

  /// What is wrong, or nothing.
  std::string check(const CrossDraw& drawn, const RunOptions& options) {
    const Outcome cpu = run(cpu_, drawn, options);
    std::string wrong = disagreement(drawn, run(portable_, drawn, options), cpu);
    if (!wrong.empty()) return "portable bodies: " + wrong;
    wrong = disagreement(drawn, run(tuned_, drawn, options), cpu);
    return wrong.empty() ? "" : "tuned bodies: " + wrong;
  }

  /// Whether the tuned bodies are what runs such a layer.
  [[nodiscard]] bool tuned(const LayerConfig& config) const {
    const ExpertMatrices matrices{config.local_experts(),   config.hidden_size,
                                  config.intermediate_size, false,
                                  config.weight_dtype,      config.activation_dtype};
    return tuned_.backend.layout_of(matrices) == WeightLayout::swizzled_tiles;
  }

 private:
  template <class B>
  static Outcome run(Session<B>& session, const CrossDraw& drawn, const RunOptions& options) {
    MoeLayer<B> layer(session.backend, session.stream, drawn.layer.config, drawn.layer.host(),
                      drawn.options);
    return run_call(session, layer, drawn.call, options);
  }

  static std::unique_ptr<CudaBackend> make_tuned(std::optional<int> product_cluster,
                                                 std::optional<bool> packs) {
    GpuOptions options;
    options.product_cluster = product_cluster;
    options.packs_hidden_states = packs;
    return std::make_unique<CudaBackend>(options);
  }

  Session<CpuBackend> cpu_;
  Session<CudaBackend> portable_{make_portable()};
  Session<CudaBackend> tuned_;
};

void check_random_layers() {
  ThreeBodies all[] = {ThreeBodies(), ThreeBodies(1), ThreeBodies(2), ThreeBodies(1, true),
                       ThreeBodies(2, true)};
  const std::int64_t count = scaled(2000);
  std::int64_t tuned = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(9'400'000 + static_cast<std::uint64_t>(i));
    const bool wide = random.chance(0.1);
    const LayerBounds bounds{wide ? 700 : 140, wide ? 600 : 140, wide ? 4 : 48, true, true};
    CrossDraw drawn = draw_cross_check(random, bounds, random.chance(0.1) ? 400 : 40);
    if (i % 3 != 0)  // few tokens too
      drawn.options.forward_path = i % 3 == 1 ? ForwardPath::staged : ForwardPath::coupled_layer;
    const RunOptions options{random.chance(0.8),
                             random.pick({Placement::slab, Placement::separate}),
                             kPoisons[static_cast<std::size_t>(i) % std::size(kPoisons)]};
    ThreeBodies& bodies = all[static_cast<std::size_t>(i) % std::size(all)];
    tuned += bodies.tuned(drawn.layer.config) ? 1 : 0;
    const std::string wrong = bodies.check(drawn, options);
    if (!wrong.empty())
      FAIL("case " << i << ": " << wrong << "; T " << drawn.call.num_tokens << " "
                   << describe(drawn.layer.config));
  }
  if (tuned == 0) WARN("this device runs the portable bodies alone");
  CHECK((tuned == 0 || tuned == count));
}

/// Rows per expert on both sides of what changes the layout of a product or its number of slices.
void check_row_counts() {
  ThreeBodies bodies;
  ThreeBodies packing({}, true);
  std::uint64_t seed = 300;
  for (const std::int64_t tokens : {1,   7,   8,   9,   15,  80,  152, 153, 159, 160, 161, 168,
                                    169, 319, 320, 321, 328, 480, 481, 799, 800, 801, 1601})
    for (const std::int64_t experts : {1, 2}) {
      INFO(tokens << " tokens, " << experts << " experts");
      Random random(++seed);
      CrossDraw drawn;
      drawn.options.forward_path = ForwardPath::staged;
      LayerConfig& config = drawn.layer.config;
      config.hidden_size = random.pick({8, 64, 136});
      config.intermediate_size = random.pick({8, 128, 200});
      config.num_experts = experts;
      config.top_k = 1;
      config.activation_dtype = config.weight_dtype = random.pick({DType::bf16, DType::f16});
      config.activation.kind =
          random.pick({ActivationKind::swiglu, ActivationKind::relu2, ActivationKind::geglu_erf});
      oracle::Result expected;
      do {
        fill_tensors(random, drawn.layer, true);
        drawn.call = random_call(random, drawn.layer, tokens, Routing::logits);
        expected = oracle::forward(config, drawn.layer.reference(), drawn.call.reference());
      } while (expected.ambiguous);
      drawn.output = expected.output;
      CHECK(bodies.check(drawn, {}) == "");
      drawn.options.forward_path = ForwardPath::coupled_layer;
      CHECK(bodies.check(drawn, {}) == "");
      CHECK(packing.check(drawn, {}) == "");
    }
}

/// Whether down has what it reads is a question of time, so the same is done many times, also where
/// an item of down is done sooner than one of gate_up.
void check_coupled_products() {
  std::uint64_t seed = 9'800'000;
  for (const std::int64_t tokens : {3, 64, 300, 1500})
    for (const int variant : {0, 1, 2, 3, 4, 5, 6, 7}) {
      const int cluster = variant % 2 + 1;
      const bool narrow = variant / 2 % 2 != 0;
      const bool packs = variant >= 4;
      INFO(tokens << " tokens, clusters of " << cluster << ", narrow " << narrow << ", packs "
                  << packs);
      Random random(++seed);
      LayerCase layer;
      LayerConfig& config = layer.config;
      config.hidden_size = narrow ? 2048 : random.pick({128, 512});
      config.intermediate_size = narrow ? random.pick({64, 128}) : random.pick({384, 640});
      config.num_experts = random.pick({6, 24});
      config.top_k = 3;
      config.activation_dtype = config.weight_dtype = DType::bf16;
      fill_tensors(random, layer, true);
      const CallCase call = random_call(random, layer, tokens, Routing::logits);
      GpuOptions gpu;
      gpu.product_cluster = cluster;
      gpu.packs_hidden_states = packs;
      Session<CudaBackend> session(std::make_unique<CudaBackend>(gpu));
      const auto make = [&](ForwardPath path) {
        LayerOptions options;
        options.forward_path = path;
        return MoeLayer<CudaBackend>(session.backend, session.stream, config, layer.host(),
                                     options);
      };
      MoeLayer<CudaBackend> staged = make(ForwardPath::staged);
      MoeLayer<CudaBackend> coupled = make(ForwardPath::coupled_layer);
      if (coupled.describe(tokens).find("path coupled_layer") == std::string::npos) {
        WARN("this device runs the portable bodies alone");
        return;
      }
      const bool lean = !layer.gate_up_bias.present();
      CHECK((coupled.describe(tokens).find("packs hidden states") != std::string::npos) ==
            (packs && lean));
      const Outcome expected = run_call(session, staged, call);
      for (int run = 0; run < 25; ++run) {
        const RunOptions options{true, Placement::slab,
                                 kPoisons[static_cast<std::size_t>(run) % std::size(kPoisons)]};
        const Outcome outcome = run_call(session, coupled, call, options);
        CHECK(outcome.intact);
        CHECK((outcome.output == expected.output));  // too long to be shown
      }
    }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: random layers agree on the CPU, tuned and portable bodies",
                        "[native][tuned_cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_random_layers();
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("cuda: any number of rows per expert agrees on all bodies",
                        "[native][tuned_cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_row_counts();
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("cuda: coupled products leave the bits of the single stages",
                        "[native][tuned_cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_coupled_products();
  } else {
    SUCCEED("another backend");
  }
}
