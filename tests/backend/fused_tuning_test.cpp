// SPDX-License-Identifier: Apache-2.0
// How the fused layer kernel for sm_90 is built and cut: pure functions, on any machine.
#include <cstdint>

#include "kernels/fused_layer/sm90_memory.hpp"
#include "kernels/fused_layer/sm90_tuning.hpp"
#include "support/catch.hpp"

using namespace switchyard::kernels::sm90;

namespace {

constexpr FusedExtents kQwen{16, 8, 128, 128, 2048, 768, 2};

/// What Divisor::divide computes on the device.
std::uint32_t quotient(const Divisor& divisor, std::uint32_t dividend) {
  if (divisor.reciprocal == 0) return dividend;
  return static_cast<std::uint32_t>((std::uint64_t{dividend} * divisor.reciprocal) >> 32U);
}

FusedExtents with_tokens(FusedExtents call, std::int64_t tokens) {
  call.num_tokens = tokens;
  return call;
}

}  // namespace

TEST_CASE("a divisor divides whatever is below its bound", "[fused_tuning]") {
  for (std::uint32_t value = 1; value <= 3000; ++value) {
    const Divisor divisor = Divisor::of(value);
    const auto last = static_cast<std::uint32_t>((std::uint64_t{1} << 32U) / value - 1);
    bool exact = quotient(divisor, last) == last / value;
    for (std::uint32_t multiple = 0; multiple < 600 && multiple * value <= last; ++multiple) {
      const std::uint32_t at = multiple * value;
      exact = exact && quotient(divisor, at) == multiple;
      if (at > 0) exact = exact && quotient(divisor, at - 1) == multiple - 1;
    }
    CHECK(exact);
  }
}

TEST_CASE("the kernel has room for these calls and no more", "[fused_tuning]") {
  CHECK(fits_fused(kQwen));
  CHECK(fits_fused(with_tokens(kQwen, 0)));
  CHECK(fits_fused(with_tokens(kQwen, 64)));
  CHECK_FALSE(fits_fused(with_tokens(kQwen, 65)));
  const auto fits = [](auto change) {
    FusedExtents call = kQwen;
    change(call);
    return fits_fused(call);
  };
  CHECK(fits([](FusedExtents& c) { c.top_k = 32; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.top_k = 33; }));
  CHECK(fits([](FusedExtents& c) { c.num_experts = 512; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.num_experts = 513; }));
  CHECK(fits([](FusedExtents& c) { c.hidden_size = 960; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.hidden_size = 896; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.hidden_size = 2056; }));
  CHECK(fits([](FusedExtents& c) { c.hidden_size = 8192; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.hidden_size = 8256; }));
  CHECK(fits([](FusedExtents& c) { c.intermediate_size = 64; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.intermediate_size = 760; }));
  CHECK(fits([](FusedExtents& c) { c.intermediate_size = 14336; }));
  CHECK_FALSE(fits([](FusedExtents& c) { c.intermediate_size = 32768; }));
}

TEST_CASE("the kernel suits few tokens whose experts are read once", "[fused_tuning]") {
  CHECK(suits_fused(with_tokens(kQwen, 32)));
  CHECK_FALSE(suits_fused(with_tokens(kQwen, 33)));
  CHECK(fits_fused(with_tokens(kQwen, 33)));
  const FusedExtents mixtral{32, 2, 8, 8, 4096, 14336, 2};
  CHECK(suits_fused(mixtral));
  CHECK_FALSE(suits_fused(with_tokens(mixtral, 33)));
  const FusedExtents small_groups{16, 2, 8, 8, 7168, 2048, 2};
  CHECK(suits_fused(small_groups));
  CHECK_FALSE(suits_fused(with_tokens(small_groups, 17)));
  CHECK(fits_fused(with_tokens(small_groups, 17)));
  const FusedExtents deepseek{64, 8, 256, 256, 7168, 2048, 2};
  CHECK(suits_fused(deepseek));
  CHECK_FALSE(suits_fused(with_tokens(deepseek, 65)));
}

TEST_CASE("every row's share fits the registers of the build that is chosen", "[fused_tuning]") {
  for (std::int64_t hidden = 960; hidden <= 8192; hidden += 64) {
    const FusedBuild build = fused_build(hidden);
    const std::int64_t stages = (hidden + kStageWidth - 1) / kStageWidth;
    bool fits = true;
    for (std::int64_t warp = 0; warp < kFusedWarps; ++warp) {
      const std::int64_t share = (warp + 1) * stages / kFusedWarps - warp * stages / kFusedWarps;
      fits = fits && share >= 1 && share <= build.stages;
    }
    CHECK(fits);
  }
  CHECK(fused_build(2048) == FusedBuild{2, 4});
  CHECK(fused_build(2112) == FusedBuild{4, 2});
  CHECK(fused_build(4096) == FusedBuild{4, 2});
  CHECK(fused_build(7168) == FusedBuild{8, 1});
  CHECK(fused_build(8256) == FusedBuild{0, 0});
}

TEST_CASE("tokens are held throughout where no map makes a token's experts one", "[fused_tuning]") {
  CHECK(fused_build(2048, Planning::blocks, false).stages == 2);
  CHECK(fused_build(2048, Planning::blocks, true).stages == 4);
  CHECK(fused_build(2048, Planning::stage, true).stages == 2);
  for (std::int64_t hidden = 960; hidden <= 8192; hidden += 64)
    for (const Planning planning : {Planning::stage, Planning::blocks}) {
      CHECK(fused_build(hidden, planning, false) == fused_build(hidden));
      const FusedBuild mapped = fused_build(hidden, planning, true);
      CHECK(mapped.stages >= fused_build(hidden).stages);
      CHECK_FALSE(holds_tokens(mapped.stages, planning));
    }
}

TEST_CASE("down is split by the extents alone, as far as shared memory has room",
          "[fused_tuning]") {
  for (const std::int64_t width : {64, 768, 1536, 14336})
    for (std::int64_t tokens = 0; tokens <= 64; ++tokens) {
      FusedExtents call = with_tokens(kQwen, tokens);
      call.intermediate_size = width;
      const int split = down_split(call);
      INFO("T " << tokens << " I " << width);
      CHECK(split >= 1);
      CHECK(split <= (width + kStageWidth - 1) / kStageWidth);
      const std::int64_t pairs = std::max<std::int64_t>(1, tokens * call.top_k);
      CHECK(split * pairs <= (pairs > kRoutedMaxPairs ? kFusedMaxPairs : kRoutedMaxPairs));
    }
  CHECK(down_split(with_tokens(kQwen, 1)) == 1);
  CHECK(down_split({1, 2, 8, 8, 4096, 14336, 2}) == 4);  // two experts for eight warps
}

TEST_CASE("as many groups as a call can have are no more sections than lanes", "[fused_tuning]") {
  for (int groups = 1; groups <= SharedPlan<Planning::stage>::kMaxGroups; ++groups) {
    const int bits = section_bits(groups);
    INFO("groups " << groups);
    CHECK((groups - 1) >> bits < kMaxSections);
    CHECK((bits == 0 || (groups - 1) >> (bits - 1) >= kMaxSections));  // no fewer than needed
  }
}

TEST_CASE("where down begins with the groups that are there, no warp has one item alone",
          "[fused_tuning]") {
  CHECK(has_sections(fused_build(7168).stages));
  CHECK_FALSE(has_sections(fused_build(4096).stages));
  CHECK(down_split({1, 8, 256, 256, 7168, 2048, 2}) == 2);
  CHECK(down_split({1, 8, 256, 256, 4096, 2048, 2}) == 1);
}

TEST_CASE("more tokens have more stages in flight", "[fused_tuning]") {
  const FusedBuild build = fused_build(kQwen.hidden_size);
  CHECK(tune_fused(with_tokens(kQwen, 32), build, Planning::stage).ring == kMaxRing - 1);
  CHECK(tune_fused(with_tokens(kQwen, 33), build, Planning::stage).ring == kMaxRing);
  CHECK(tune_fused(kQwen, build, Planning::stage).gate_up_strips.value == 96);
  CHECK(FusedMemory<Planning::stage>::bytes(kMaxRing) <= 227 * 1024);
}

TEST_CASE("two blocks that route have room on a multiprocessor where registers do",
          "[fused_tuning]") {
  const FusedExtents call = with_tokens(kQwen, 1);
  CHECK(fused_ring(call, {2, 4}, Planning::blocks) == kPairedRing);
  CHECK(fused_ring(with_tokens(kQwen, 5), {2, 4}, Planning::blocks) == kMaxRing - 1);
  CHECK(fused_ring(call, {4, 2}, Planning::blocks) == kMaxRing - 1);
  CHECK(fused_ring(call, {2, 4}, Planning::stage) == kMaxRing - 1);
  // A multiprocessor has 228 KB, of which each block costs one beside its own.
  CHECK(2 * (FusedMemory<Planning::blocks>::bytes(kPairedRing) + 1024) <= 228 * 1024);
  CHECK(FusedMemory<Planning::blocks>::bytes(kMaxRing) <= 227 * 1024);
}

TEST_CASE("weights are brought ahead of the plan where most experts will have rows",
          "[fused_tuning]") {
  CHECK(strips_ahead(with_tokens(kQwen, 16), Planning::stage) > 0);
  CHECK(strips_ahead(with_tokens(kQwen, 64), Planning::stage) > 0);
  CHECK(strips_ahead(with_tokens(kQwen, 9), Planning::stage) == 0);
  CHECK(strips_ahead(with_tokens(kQwen, 16), Planning::blocks) == 0);
  // All strips are of one expert's first tile.
  CHECK(strips_ahead(kQwen, Planning::stage) <= gate_up_strips(kQwen));
  CHECK(strips_ahead(kQwen, Planning::stage) <= kTileRows / kStripRows);
}
