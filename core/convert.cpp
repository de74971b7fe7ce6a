// SPDX-License-Identifier: Apache-2.0
#include "core/convert.hpp"

#include "kernels/elements.hpp"

namespace switchyard::core {

void convert(std::span<const std::byte> from, DType from_dtype, std::span<std::byte> to,
             DType to_dtype) noexcept {
  const auto count = static_cast<std::int64_t>(from.size() / size_of(from_dtype));
  kernels::with_type_of(from_dtype, [&](auto source) {
    kernels::with_type_of(to_dtype, [&](auto target) {
      for (std::int64_t i = 0; i < count; ++i)
        kernels::store<decltype(target)>(to.data(), i,
                                         kernels::load<decltype(source)>(from.data(), i));
    });
  });
}

}  // namespace switchyard::core
