// SPDX-License-Identifier: Apache-2.0
// The block size policy and the capacities that have to hold at every block size.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/limits.hpp"
#include "switchyard/workspace.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

std::vector<PackedRow> offsets_of(const std::vector<std::int32_t>& counts) {
  std::vector<PackedRow> offsets{PackedRow{0}};
  std::int32_t total = 0;
  for (const std::int32_t count : counts) offsets.push_back(PackedRow{total += count});
  return offsets;
}

std::int64_t slots_of(const std::vector<std::int32_t>& counts, std::int64_t block_size) {
  std::int64_t slots = 0;
  for (const std::int32_t count : counts) {
    slots += (count + block_size - 1) / block_size * block_size;
  }
  return slots;
}

/// The largest block size with at most 30 % padding, else 16.
std::int32_t rule(const std::vector<std::int32_t>& counts) {
  std::int64_t rows = 0;
  for (const std::int32_t count : counts) rows += count;
  for (const std::int32_t bs : {64, 32}) {
    if (rows > 0 && 100 * (slots_of(counts, bs) - rows) <= 30 * rows) return bs;
  }
  return 16;
}

}  // namespace

TEST_CASE("where the load is known the padding is at most 30 %", "[block_size]") {
  CHECK(choose_block_size(std::span<const PackedRow>()) == 16);
  CHECK(choose_block_size(offsets_of({})) == 16);
  CHECK(choose_block_size(offsets_of({0, 0, 0})) == 16);
  CHECK(choose_block_size(offsets_of({1})) == 16);
  CHECK(choose_block_size(offsets_of({64})) == 64);
  CHECK(choose_block_size(offsets_of({0, 64, 0})) == 64);
  CHECK(choose_block_size(offsets_of({32, 64})) == 32);   // 33 % at 64
  CHECK(choose_block_size(offsets_of({50})) == 64);       // 28 %
  CHECK(choose_block_size(offsets_of({49})) == 16);       // 30.6 % at 64 and at 32
  CHECK(choose_block_size(offsets_of({100, 60})) == 64);  // 192 / 160: 20 %
  CHECK(choose_block_size(offsets_of({160, 160, 128})) == 64);
  // Exactly 30 %: 10 rows of padding behind 640 / 1.3 rows do not exist in one expert, in ten do.
  CHECK(choose_block_size(offsets_of({40, 40, 40, 40, 64, 64, 64, 64, 64})) == 64);  // 96 of 480
  Random random(31);
  const std::int64_t count = scaled(20'000);
  for (std::int64_t i = 0; i < count; ++i) {
    std::vector<std::int32_t> counts(static_cast<std::size_t>(random.in(1, 12)));
    for (std::int32_t& rows : counts) rows = static_cast<std::int32_t>(random.in(0, 200));
    if (choose_block_size(offsets_of(counts)) != rule(counts)) {
      FAIL("case " << i << " breaks the 30 % rule");
    }
  }
}

TEST_CASE("exactly 30 % of padding is still little", "[block_size]") {
  // 320 rows in 6 blocks of 64 (and one more expert to make 416 slots): 96 / 320 = 30 %.
  const std::vector<std::int32_t> counts{64, 64, 64, 64, 33, 15, 16};
  REQUIRE(slots_of(counts, 64) == 448);
  const std::vector<std::int32_t> exact{64, 64, 64, 64, 32, 32};  // 384 slots, 320 rows: 20 %
  CHECK(choose_block_size(offsets_of(exact)) == 64);
  const std::vector<std::int32_t> edge{64, 64, 64, 64, 48, 16};  // the same sum
  CHECK(choose_block_size(offsets_of(edge)) == 64);
  const std::vector<std::int32_t> thirty{64, 64, 64, 64, 16, 16, 32};  // 448 slots: 40 %
  CHECK(choose_block_size(offsets_of(thirty)) == rule(thirty));
  std::vector<std::int32_t> ten(13, 64);  // 13 * 64 slots; 640 rows leave exactly 30 %
  for (std::size_t e = 0; e < 12; ++e) ten[e] = 48;
  REQUIRE(slots_of(ten, 64) == 832);
  CHECK(choose_block_size(offsets_of(ten)) == 64);  // 640 rows, 192 of padding
  ten[0] = 47;
  CHECK(choose_block_size(offsets_of(ten)) == 16);  // 193 of 639; at 32 the same 193
}

TEST_CASE("where only the extents are known a block size is one of three and grows with the load",
          "[block_size]") {
  CHECK(choose_block_size(0, 8) == 16);
  for (const std::int64_t experts : {1, 2, 8, 60, 128, 256, 384, 4096}) {
    std::int32_t last = 16;
    for (std::int64_t pairs = 0; pairs <= 40'000; pairs += 1 + pairs / 9) {
      const std::int32_t bs = choose_block_size(pairs, experts);
      CHECK((bs == 16 || bs == 32 || bs == 64));
      if (pairs >= 4 * experts) CHECK(bs >= last);
      last = bs;
    }
    CHECK(choose_block_size(1000 * experts, experts) == 64);
    CHECK(choose_block_size(experts, experts) == 16);
  }
  CHECK(choose_block_size(limits::kMaxTokens * limits::kMaxTopK, limits::kMaxExperts) == 64);
}

TEST_CASE("no load of the experts needs more slots than the capacity", "[block_size]") {
  Random random(32);
  const std::int64_t count = scaled(20'000);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t experts = random.in(1, 40);
    const std::int64_t pairs = random.in(0, random.chance(0.5) ? 60 : 3000);
    std::vector<std::int32_t> counts(static_cast<std::size_t>(experts));
    // The worst load: as many experts as can be with one row too many for their blocks.
    std::int64_t left = pairs;
    const std::int64_t step = random.pick({1, 1, 17, 33, 65});
    for (std::int32_t& rows : counts) {
      rows = static_cast<std::int32_t>(std::min<std::int64_t>(left, step));
      left -= rows;
    }
    counts.back() += static_cast<std::int32_t>(left);
    for (const std::int32_t bs : kBlockSizes) {
      const std::int64_t capacity = padded_capacity(pairs, experts, bs);
      const std::int64_t formula = (pairs + std::min(pairs, experts) * (bs - 1) + bs - 1) / bs * bs;
      if (capacity != formula || slots_of(counts, bs) > capacity ||
          max_slots(pairs, experts) < capacity || max_blocks(pairs, experts) < capacity / bs) {
        FAIL("P " << pairs << " E " << experts << " bs " << bs << ": capacity " << capacity);
      }
    }
  }
  SUCCEED();
}

TEMPLATE_LIST_TEST_CASE("a fixed block size holds on both paths, a free one follows the policy",
                        "[block_size]", Backends) {
  Session<TestType> session;
  Random random(33);
  LayerCase layer_case = random_layer(random, {5, 5, 1, false});
  layer_case.config.num_experts = 7;
  layer_case.config.top_k = 3;
  layer_case.config.router = RouterConfig{};
  layer_case.config.shared_expert = {};
  layer_case.gate_up_bias = layer_case.down_bias = layer_case.router_bias =
      layer_case.correction_bias = layer_case.shared_gate = Tensor();
  layer_case.shared_gate_up = layer_case.shared_down = Tensor();
  fill_tensors(random, layer_case, false);
  for (const std::int64_t tokens : {0, 1, 2, 30, 130, 400}) {
    CallCase call = random_call(random, layer_case, tokens, Routing::logits);
    call.live_tokens.reset();
    for (const std::int32_t fixed : {0, 16, 32, 64}) {
      LayerOptions options;
      if (fixed != 0) options.block_size = fixed;
      MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config,
                               layer_case.host(), options);
      CHECK(layer.block_size(tokens) == (fixed != 0 ? fixed : choose_block_size(3 * tokens, 7)));
      const Outcome device = run_call(session, layer, call, {true, Placement::slab, kPoisons[2]});
      const Outcome host = run_call(session, layer, call, {false, Placement::slab, kPoisons[2]});
      CHECK(device.plan.block_size == layer.block_size(tokens));
      std::vector<PackedRow> offsets;
      for (const std::int32_t row : host.plan.integers.expert_offsets) {
        offsets.push_back(PackedRow{row});
      }
      CHECK(host.plan.block_size == (fixed != 0 ? fixed : choose_block_size(offsets)));
      CHECK(device.intact);
      CHECK(device.output == host.output);
      if (fixed != 0) CHECK(device.plan == host.plan);
    }
  }
}
