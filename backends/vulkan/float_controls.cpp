// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/float_controls.hpp"

#include <array>
#include <cstddef>

namespace switchyard::vulkan {
namespace {

constexpr std::size_t kHeaderWords = 5;
// Instructions of SPIR-V.
constexpr std::uint32_t kEntryPoint = 15;
constexpr std::uint32_t kExecutionMode = 16;
constexpr std::uint32_t kCapability = 17;

/// A capability and the execution mode that it allows.
struct Control {
  bool FloatControls::*wanted;
  std::uint32_t capability;
  std::uint32_t mode;
};
constexpr std::array kControls{Control{&FloatControls::keeps_subnormals, 4464, 4459},
                               Control{&FloatControls::keeps_zeros_inf_nan, 4466, 4461},
                               Control{&FloatControls::rounds_to_even, 4467, 4462}};

}  // namespace

std::vector<std::uint32_t> hold_to(const FloatControls& controls,
                                   std::span<const std::uint32_t> words) {
  constexpr std::uint32_t kBits = 32;
  std::vector<std::uint32_t> held(words.begin(), words.begin() + kHeaderWords);
  bool has_capabilities = false;
  for (std::size_t at = kHeaderWords; at < words.size(); at += words[at] >> 16U) {
    const std::span<const std::uint32_t> code = words.subspan(at, words[at] >> 16U);
    const std::uint32_t operation = code[0] & 0xffffU;
    held.insert(held.end(), code.begin(), code.end());
    for (const Control& control : kControls) {
      if (!(controls.*control.wanted)) continue;
      if (operation == kCapability && !has_capabilities)
        held.insert(held.end(), {2U << 16U | kCapability, control.capability});
      if (operation == kEntryPoint)
        held.insert(held.end(), {4U << 16U | kExecutionMode, code[2], control.mode, kBits});
    }
    has_capabilities = has_capabilities || operation == kCapability;
  }
  return held;
}

}  // namespace switchyard::vulkan
