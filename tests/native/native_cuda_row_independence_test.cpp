// SPDX-License-Identifier: Apache-2.0
// A row's bits on CUDA's grouped products do not depend on the rows that are packed beside it, nor
// on how many its expert has.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "layer/support/rows_of.hpp"
#include "support/catch.hpp"
#include "support/layer_case.hpp"
#include "support/run_call.hpp"
#include "switchyard/backends/cuda.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// How the products run.
struct Products {
  ForwardPath path;
  GpuOptions gpu;
};

[[nodiscard]] std::vector<Products> all_products() {
  GpuOptions portable;
  portable.bodies = GpuBodies::portable;
  std::vector<Products> all{{ForwardPath::staged, portable}, {ForwardPath::staged, {}}};
  for (const int cluster : {1, 2})
    for (const bool packs : {false, true}) {
      GpuOptions gpu;
      gpu.product_cluster = cluster;
      gpu.packs_hidden_states = packs;
      all.push_back({ForwardPath::coupled_layer, gpu});
    }
  return all;
}

LayerCase layer_of(Random& random, ActivationKind activation, DType dtype) {
  LayerCase layer;
  LayerConfig& config = layer.config;
  config.hidden_size = random.pick({128, 136});
  config.intermediate_size = random.pick({200, 256});
  config.num_experts = 6;
  config.top_k = 3;
  config.activation_dtype = config.weight_dtype = dtype;
  config.activation.kind = activation;
  fill_tensors(random, layer, true);
  return layer;
}

/// Rows of `some` that are not the rows `tokens` of `whole`.
[[nodiscard]] std::int64_t num_different(const std::vector<std::byte>& some,
                                         const std::vector<std::byte>& whole,
                                         const std::vector<std::size_t>& tokens,
                                         std::int64_t row_bytes) {
  std::int64_t different = 0;
  auto row = some.begin();
  for (const std::size_t token : tokens) {
    const auto same = whole.begin() + static_cast<std::ptrdiff_t>(token) * row_bytes;
    different += std::equal(row, row + row_bytes, same) ? 0 : 1;
    row += row_bytes;
  }
  return different;
}

/// Each of some tokens of a call, in any order and often more than once, comes out as in the whole.
void check_rows(const Products& products, ActivationKind activation, DType dtype,
                std::uint64_t seed) {
  Random random(seed);
  const LayerCase layer = layer_of(random, activation, dtype);
  Session<CudaBackend> session(std::make_unique<CudaBackend>(products.gpu));
  LayerOptions options;
  options.forward_path = products.path;
  MoeLayer<CudaBackend> moe(session.backend, session.stream, layer.config, layer.host(), options);
  constexpr std::int64_t kTokens = 700;
  CallCase call = random_call(random, layer, kTokens, Routing::logits);
  call.live_tokens.reset();
  const std::vector<std::byte> whole = run_call(session, moe, call).output;
  for (const std::size_t count : {std::size_t{1}, std::size_t{13}, std::size_t{kTokens}}) {
    std::vector<std::size_t> tokens(count);
    for (std::size_t& token : tokens) token = static_cast<std::size_t>(random.in(0, kTokens - 1));
    INFO(moe.describe(static_cast<std::int64_t>(count)));
    const std::vector<std::byte> some =
        run_call(session, moe, rows_of(call, layer.config, tokens)).output;
    REQUIRE(some.size() == count * static_cast<std::size_t>(layer.config.hidden_size) * 2);
    CHECK(num_different(some, whole, tokens, layer.config.hidden_size * 2) == 0);
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: a row has the same bits beside any other rows",
                        "[native][tuned_cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    std::uint64_t seed = 9'850'000;
    for (const Products& products : all_products())
      for (const ActivationKind activation :
           {ActivationKind::swiglu, ActivationKind::swiglu_clamped, ActivationKind::geglu_erf})
        for (const DType dtype : {DType::bf16, DType::f16})
          for (int repeat = 0; repeat < 3; ++repeat)
            check_rows(products, activation, dtype, ++seed);
  } else {
    SUCCEED("another backend");
  }
}
