// SPDX-License-Identifier: Apache-2.0
// The 16-bit types against their definition: every pattern, and rounding by the nearest of the two
// neighbours.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "support/catch.hpp"
#include "support/random.hpp"
#include "support/rounding.hpp"
#include "support/scale.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/half.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

template <class Half>
constexpr DType kDType = DType::bf16;
template <>
constexpr DType kDType<f16> = DType::f16;

template <class Half>
float widen(std::uint32_t bits) {
  Half half;
  half.bits = static_cast<std::uint16_t>(bits);
  return static_cast<float>(half);
}

/// Whether Half(x) is the rounding of x by the definition.
template <class Half>
bool rounds_right(float x) {
  const std::uint32_t bits = Half(x).bits;
  if (std::isnan(x)) return std::isnan(widen<Half>(bits));
  const double expected = round_to(static_cast<double>(x), kDType<Half>);
  return bits == encode(expected, kDType<Half>) && std::signbit(x) == ((bits & 0x8000U) != 0);
}

}  // namespace

TEMPLATE_TEST_CASE("every 16-bit pattern widens to its value and back", "[half]", bf16, f16) {
  std::int64_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const float wide = widen<TestType>(bits);
    const double expected = decode(bits, kDType<TestType>);
    if (std::isnan(expected)) {
      const std::uint32_t back = TestType(wide).bits;
      wrong += std::isnan(wide) && std::isnan(widen<TestType>(back)) ? 0 : 1;
      continue;
    }
    const bool same =
        static_cast<double>(wide) == expected && std::signbit(wide) == ((bits & 0x8000U) != 0);
    wrong += same && TestType(wide).bits == bits ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("values between two neighbours round to the nearer, ties to even", "[half]",
                   bf16, f16) {
  std::int64_t wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const float low = widen<TestType>(bits);
    if (!std::isfinite(low)) continue;
    const float high = widen<TestType>(bits + 1);  // next away from zero; infinity at the end
    const double end = std::isfinite(high) ? static_cast<double>(high)
                                           : 2.0 * static_cast<double>(low) -
                                                 static_cast<double>(widen<TestType>(bits - 1));
    const double middle = 0.5 * (static_cast<double>(low) + end);
    const auto tie = static_cast<float>(middle);
    for (const float x : {std::nextafter(tie, 0.0F), tie,
                          std::nextafter(tie, std::numeric_limits<float>::infinity() *
                                                  (std::signbit(low) ? -1.0F : 1.0F)),
                          std::nextafter(low, static_cast<float>(end)), low}) {
      wrong += rounds_right<TestType>(x) ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("any f32 pattern rounds by the definition", "[half]", bf16, f16) {
  Random random(7);
  std::int64_t wrong = 0;
  const std::int64_t count = scaled(2'000'000);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto word = static_cast<std::uint32_t>(random.bits());
    wrong += rounds_right<TestType>(std::bit_cast<float>(word)) ? 0 : 1;
    const float scaled_to_range = static_cast<float>(std::ldexp(random.normal(), -20));
    wrong += rounds_right<TestType>(scaled_to_range) ? 0 : 1;
  }
  for (std::uint32_t high = 0; high < 0x10000U; ++high) {  // each exponent and sign, odd tails
    wrong += rounds_right<TestType>(std::bit_cast<float>((high << 16U) | 0x8000U)) ? 0 : 1;
    wrong += rounds_right<TestType>(std::bit_cast<float>((high << 16U) | 0x7fffU)) ? 0 : 1;
    wrong += rounds_right<TestType>(std::bit_cast<float>((high << 16U) | 0x8001U)) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("conversions are constant expressions", "[half]") {
  STATIC_REQUIRE(bf16(1.0F).bits == 0x3f80);
  STATIC_REQUIRE(f16(1.0F).bits == 0x3c00);
  STATIC_REQUIRE(f16(65504.0F).bits == 0x7bff);
  STATIC_REQUIRE(f16(65520.0F).bits == 0x7c00);
  STATIC_REQUIRE(static_cast<float>(bf16(-2.5F)) == -2.5F);
  STATIC_REQUIRE(static_cast<float>(f16(0x1p-24F)) == 0x1p-24F);
}

TEST_CASE("dtypes have sizes and names that parse", "[dtype]") {
  CHECK(size_of(DType::f32) == 4);
  CHECK(size_of(DType::bf16) == 2);
  CHECK(size_of(DType::f16) == 2);
  CHECK(std::string(name(DType::f32)) == "f32");
  CHECK(std::string(name(DType::bf16)) == "bf16");
  CHECK(std::string(name(DType::f16)) == "f16");
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    CHECK(parse_dtype(name(dtype)) == dtype);
  }
  for (const char* text : {"", "f", "F32", "f32 ", "fp16", "bf1", "bf166"}) {
    CHECK_FALSE(parse_dtype(text).has_value());
  }
}
