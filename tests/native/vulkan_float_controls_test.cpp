// SPDX-License-Identifier: Apache-2.0
// SPIR-V that is held to float controls: what is added, and where.
#include "backends/vulkan/float_controls.hpp"

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using namespace switchyard::vulkan;

namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::uint32_t instruction(std::uint32_t words, std::uint32_t operation) {
  return words << 16U | operation;
}

// A header, two capabilities, a memory model, an entry point with id 7, an execution mode of its
// own, and a type.
const Words kHeader{0x07230203, 0x00010600, 0, 20, 0};
const Words kCapabilities{instruction(2, 17), 1, instruction(2, 17), 5347};
const Words kModel{instruction(3, 14), 5348, 1};
const Words kEntry{instruction(5, 15), 5, 7, 0x6e69616d, 0};
const Words kMode{instruction(6, 331), 7, 38, 1, 2, 3};
const Words kType{instruction(2, 19), 2};

Words joined(std::initializer_list<Words> parts) {
  Words all;
  for (const Words& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

TEST_CASE("vulkan: a body is held to the float controls that a device has", "[vulkan]") {
  const Words plain = joined({kHeader, kCapabilities, kModel, kEntry, kMode, kType});
  CHECK(hold_to({}, plain) == plain);

  const Words first{instruction(2, 17), 1};
  const Words second{instruction(2, 17), 5347};
  const Words denormals{instruction(2, 17), 4464};
  const Words keeps{instruction(4, 16), 7, 4459, 32};
  CHECK(hold_to({.keeps_subnormals = true}, plain) ==
        joined({kHeader, first, denormals, second, kModel, kEntry, keeps, kMode, kType}));

  const Words specials{instruction(2, 17), 4466};
  const Words to_even{instruction(2, 17), 4467};
  const Words keeps_specials{instruction(4, 16), 7, 4461, 32};
  const Words rounds{instruction(4, 16), 7, 4462, 32};
  CHECK(hold_to({true, true, true}, plain) ==
        joined({kHeader, first, denormals, specials, to_even, second, kModel, kEntry, keeps,
                keeps_specials, rounds, kMode, kType}));
}
