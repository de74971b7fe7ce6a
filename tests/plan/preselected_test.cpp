// SPDX-License-Identifier: Apache-2.0
// Experts chosen by the caller: untrusted. Ids outside [0, E) skip their pair, duplicates count
// each.
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int64_t kExperts = 9;
constexpr std::int64_t kTopK = 4;
constexpr std::int64_t kTokens = 21;

/// A way to choose the id of pair p.
struct Pattern {
  std::string name;
  std::int32_t (*id)(std::int64_t p, Random& random);
};

std::vector<Pattern> patterns() {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kHighest = std::numeric_limits<std::int32_t>::max();
  constexpr auto kEnd = static_cast<std::int32_t>(kExperts);
  return {
      {"all -1", [](std::int64_t, Random&) { return -1; }},
      {"all -2^31", [](std::int64_t, Random&) { return kLowest; }},
      {"all E", [](std::int64_t, Random&) { return kEnd; }},
      {"all 2^31 - 1", [](std::int64_t, Random&) { return kHighest; }},
      {"the four kinds of bad ids",
       [](std::int64_t, Random& random) {
         return random.pick({kLowest, -1, kEnd, kHighest});
       }},
      {"bad ids among good ones",
       [](std::int64_t, Random& random) {
         return random.pick({kLowest, -1, kEnd, kHighest, 0, 3, kEnd - 1});
       }},
      {"one good id, in the last pair",
       [](std::int64_t p, Random&) { return p == kTokens * kTopK - 1 ? kEnd - 1 : -1; }},
      {"one good id, in the first pair", [](std::int64_t p, Random&) { return p == 0 ? 0 : kEnd; }},
      {"all the same expert", [](std::int64_t, Random&) { return 5; }},
      {"each token one expert K times",
       [](std::int64_t p, Random&) { return static_cast<std::int32_t>(p / kTopK % kExperts); }},
      {"duplicates in random places",
       [](std::int64_t, Random& random) { return static_cast<std::int32_t>(random.in(2, 4)); }},
      {"every second token skipped",
       [](std::int64_t p, Random& random) {
         return p / kTopK % 2 == 0 ? -1 : static_cast<std::int32_t>(random.in(0, kExperts - 1));
       }},
      {"duplicates and bad ids in one token",
       [](std::int64_t p, Random&) {
         return p % kTopK == 0 ? -7 : p % kTopK == 3 ? kEnd + 100 : 8;
       }},
      {"descending experts",
       [](std::int64_t p, Random&) {
         return static_cast<std::int32_t>(kExperts - 1 - p % kExperts);
       }},
  };
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("caller-chosen ids of any kind", "[preselected]", Backends) {
  Session<TestType> session;
  for (const bool mapped : {false, true}) {
    for (const bool on_input : {false, true}) {
      for (const Pattern& pattern : patterns()) {
        INFO(pattern.name << (mapped ? ", with an expert map" : "")
                          << (on_input ? ", weight on the input" : ""));
        Random random(51);
        LayerCase layer_case = random_layer(random, {19, 11, 1, false});
        LayerConfig& config = layer_case.config;
        config.num_experts = kExperts;
        config.top_k = kTopK;
        config.router = RouterConfig{};
        config.router.weight_site = on_input ? WeightSite::expert_input : WeightSite::combine;
        layer_case.router_bias = layer_case.correction_bias = Tensor();
        layer_case.gate_up_bias = layer_case.down_bias = Tensor();
        if (mapped) {
          config.num_local_experts = 3;
          layer_case.expert_map = {-1, 2, 0, 1, -1, 0, -1, -1, 2};
        }
        fill_tensors(random, layer_case, false);
        layer_case.router = Tensor();  // not needed where the caller chooses
        CallCase call = random_call(random, layer_case, kTokens, Routing::preselected);
        call.live_tokens.reset();
        call.residual_is_output = call.output_is_hidden_states = false;
        for (std::int64_t p = 0; p < kTokens * kTopK; ++p) {
          call.selected_ids[static_cast<std::size_t>(p)] = pattern.id(p, random);
        }
        const auto expected = oracle::forward(config, layer_case.reference(), call.reference());
        LayerOptions options;
        options.block_size = 16;
        MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host(),
                                 options);
        const Outcome device =
            run_call(session, layer, call, {true, Placement::separate, kPoisons[1]});
        const Outcome host = run_call(session, layer, call, {false, Placement::slab, kPoisons[2]});
        const oracle::Plan plan = oracle::plan(
            call.selected_ids, layer_case.expert_map, static_cast<std::size_t>(kTopK),
            static_cast<std::size_t>(config.local_experts()), 16,
            {device.plan.integers.selected_ids.size(), device.plan.integers.sorted_tokens.size(),
             device.plan.integers.block_ids.size()});
        CHECK(device.plan.integers == plan);
        CHECK(device.plan.weights() == call.pair_weights);
        CHECK(worst_error(device.output, config.activation_dtype, expected.output) <= 1.0);
        CHECK(device.output == host.output);
        CHECK(device.plan.integers.pairs_by_token == host.plan.integers.pairs_by_token);
        CHECK(device.plan.integers.expert_offsets == host.plan.integers.expert_offsets);
        CHECK(device.intact);
        CHECK(host.intact);
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a token without experts is exactly zero, or exactly its residual",
                        "[preselected]", Backends) {
  Session<TestType> session;
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    Random random(52);
    LayerCase layer_case;
    LayerConfig& config = layer_case.config;
    config.hidden_size = 13;
    config.intermediate_size = 7;
    config.num_experts = 4;
    config.top_k = 2;
    config.activation_dtype = dtype;
    fill_tensors(random, layer_case, false);
    MoeLayer<TestType> layer(session.backend, session.stream, config, layer_case.host());
    CallCase call = random_call(random, layer_case, 5, Routing::preselected);
    call.live_tokens.reset();
    call.residual = Tensor();
    call.residual_is_output = call.output_is_hidden_states = false;
    call.selected_ids.assign(10, -1);
    const Outcome zero = run_call(session, layer, call);
    CHECK(zero.output == std::vector<std::byte>(zero.output.size(), std::byte{0}));
    call.residual = Tensor(normals(random, 5 * 13), dtype, {1, 5, 13});
    for (const bool aliased : {false, true}) {
      call.residual_is_output = aliased;
      const auto bytes = call.residual.bytes();
      CHECK(run_call(session, layer, call).output ==
            std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
  }
}
