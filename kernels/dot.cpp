// SPDX-License-Identifier: Apache-2.0
#include "kernels/dot.hpp"

#include <array>

#include "kernels/elements.hpp"

namespace switchyard::kernels {
namespace {

constexpr std::int64_t kLanes = 16;

template <class A, class B>
float dot(const void* a, const void* b, std::int64_t count) {
  std::array<float, kLanes> sums{};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t j = 0; j < kLanes; ++j)
      sums[static_cast<std::size_t>(j)] += load<A>(a, i + j) * load<B>(b, i + j);
  for (std::int64_t j = 0; i + j < count; ++j)
    sums[static_cast<std::size_t>(j)] += load<A>(a, i + j) * load<B>(b, i + j);
  for (std::size_t width = kLanes / 2; width > 0; width /= 2)
    for (std::size_t j = 0; j < width; ++j) sums[j] += sums[j + width];
  return sums[0];
}

}  // namespace

Dot dot_for(DType a, DType b) noexcept {
  return with_type_of(a, [b](auto stored_a) {
    return with_type_of(
        b, [](auto stored_b) -> Dot { return &dot<decltype(stored_a), decltype(stored_b)>; });
  });
}

}  // namespace switchyard::kernels
