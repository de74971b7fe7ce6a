// SPDX-License-Identifier: Apache-2.0
/// \file
/// Backends that rearrange expert matrices, or read them where they lie on the host.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "switchyard/backend.hpp"
#include "switchyard/dtype.hpp"
#include "switchyard/weight_layout.hpp"
#include "switchyard/weights.hpp"

namespace switchyard {

/// A stack of expert matrices, as a backend is told of it.
struct ExpertMatrices {
  std::int64_t num_experts = 0;
  std::int64_t num_rows = 0;  ///< Of one expert: outputs of its product, gate rows included.
  std::int64_t width = 0;     ///< Of a row: what the product sums over.
  bool has_gate = false;      ///< The first half of the rows are gates of the second half.
  DType dtype = DType::f32;   ///< On the device.
  DType activation_dtype = DType::f32;  ///< Of what they are multiplied by.

  bool operator==(const ExpertMatrices&) const = default;
};

/// A backend whose bodies want expert matrices in a layout of their own.
///
///   layout_of(m)                        the layout that its bodies want for m
///   packed_bytes(m, layout)             bytes of m in that layout
///   repack(stream, to, m, layout, from) enqueues: `to` = `from` (m as a checkpoint has it, in any
///                                       dtype) in that layout and in m.dtype. The host memory
///                                       stays valid and untouched until the stream has passed it.
///                                       May wait; is not captured.
template <class B>
concept RepackingBackend = Backend<B> &&
    requires(B& b, const B& const_b, typename B::Stream& stream, const ExpertMatrices& matrices,
             WeightLayout layout, DeviceSpan<std::byte> to, const HostTensor& from) {
  { const_b.layout_of(matrices) } -> std::same_as<WeightLayout>;
  { const_b.packed_bytes(matrices, layout) } -> std::same_as<std::size_t>;
  { b.repack(stream, to, matrices, layout, from) } -> std::same_as<void>;
};

/// A backend whose bodies can read host memory where it lies: borrow(host) is its device address.
template <class B>
concept BorrowingBackend = Backend<B> && requires(B& b, std::span<const std::byte> host) {
  { b.borrow(host) } -> std::same_as<DeviceSpan<const std::byte>>;
};

}  // namespace switchyard
