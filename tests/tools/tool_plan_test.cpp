// SPDX-License-Identifier: Apache-2.0
// The digest of a plan, and what is measured around a run.
#include <set>
#include <vector>

#include "compare.hpp"
#include "host_plan.hpp"
#include "profiling_backend.hpp"
#include "random_data.hpp"
#include "statistics.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::tools;

TEST_CASE("the digest changes with every integer buffer and with no float") {
  const HostPlan plan{.block_size = 16,
                      .selected_ids = {1, 0},
                      .pair_weights = {0.5F, 0.5F},
                      .pairs_by_token = {1, 0},
                      .packed_token_idx = {0, 0},
                      .expert_offsets = {0, 1, 2},
                      .sorted_tokens = {0, 2, 1, 2},
                      .block_ids = {0, 1},
                      .total_post_pad = {32}};
  CHECK(plan.expert_load() == std::vector<std::int32_t>{1, 1});
  std::set<std::uint64_t> digests{plan.digest()};
  for (auto buffer : {&HostPlan::selected_ids, &HostPlan::pairs_by_token,
                      &HostPlan::packed_token_idx, &HostPlan::expert_offsets,
                      &HostPlan::sorted_tokens, &HostPlan::block_ids, &HostPlan::total_post_pad}) {
    HostPlan other = plan;
    ++(other.*buffer).back();
    digests.insert(other.digest());
    // An element that moves on to the next buffer.
    other = plan;
    (other.*buffer).pop_back();
    digests.insert(other.digest());
  }
  CHECK(digests.size() == 15);
  HostPlan weights = plan;
  weights.pair_weights = {0.25F, 0.75F};
  CHECK(weights.digest() == plan.digest());
  CHECK(digest_text(0x12ab) == "0x00000000000012ab");
}

TEST_CASE("quantiles of samples") {
  CHECK(summarize({}).count == 0);
  const Summary one = summarize({3.0});
  CHECK(one.min == 3.0);
  CHECK(one.p90 == 3.0);
  const Summary five = summarize({5.0, 1.0, 4.0, 2.0, 3.0});
  CHECK(five.count == 5);
  CHECK(five.min == 1.0);
  CHECK(five.median == 3.0);
  CHECK(five.p10 == Approx(1.4));
  CHECK(five.p90 == Approx(4.6));
  CHECK(five.max == 5.0);
  CHECK(summarize({1.0, 2.0}).median == Approx(1.5));
}

TEST_CASE("differences and their bounds") {
  const std::vector<float> expected{3.0F, 4.0F};
  CHECK(difference(expected, expected).rel_error == 0.0);
  const Difference off = difference(std::vector<float>{3.0F, 4.5F}, expected);
  CHECK(off.rel_error == Approx(0.1));
  CHECK(off.max_abs_error == Approx(0.5));
  const std::vector<float> zero{0.0F, 0.0F};
  CHECK(difference(zero, zero).rel_error == 0.0);
  CHECK(std::isinf(difference(expected, zero).rel_error));
  CHECK(std::isinf(difference(std::vector<float>{NAN, 4.0F}, expected).rel_error));
  CHECK(rel_error_bound(DType::f32) == 2e-6);
  CHECK(rel_error_bound(DType::bf16) == 8e-3);
  CHECK(rel_error_bound(DType::f16) == 2e-3);
}

TEST_CASE("launches of a stage are added up in the order of the first") {
  const auto stages = by_stage({{"gate", 1.0}, {"down", 2.0}, {"gate", 4.0}});
  REQUIRE(stages.size() == 2);
  CHECK(stages[0].stage == "gate");
  CHECK(stages[0].microseconds == 5.0);
  CHECK(stages[1].microseconds == 2.0);
}

TEST_CASE("random data does not depend on the number of threads") {
  std::vector<std::byte> one(600'000);
  std::vector<std::byte> three(one.size());
  fill_random(one, DType::bf16, 1.0, 9, 1);
  fill_random(three, DType::bf16, 1.0, 9, 3);
  CHECK(one == three);
  fill_random(three, DType::bf16, 1.0, 10, 3);
  CHECK(one != three);
  double squares = 0.0;
  const auto values = random_states(20'000, 1);
  for (const float value : values) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  CHECK(squares / 20'000.0 == Approx(1.0).epsilon(0.05));
}
