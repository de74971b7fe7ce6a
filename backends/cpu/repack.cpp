// SPDX-License-Identifier: Apache-2.0
// From rows to panels.
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "backends/cpu/panels.hpp"
#include "backends/host/command.hpp"
#include "kernels/elements.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace {

struct RepackParams {
  void* to;
  const void* from;
  ExpertMatrices matrices;
  DType from_dtype;
  WeightLayout layout;
};

/// Where column c of one k of a panel lies.
template <class Stored>
[[nodiscard]] std::int64_t place_of(std::int64_t c, std::int64_t columns) {
  if constexpr (std::is_same_v<Stored, bf16>) {
    const std::int64_t half = columns / 2;
    return c < half ? 2 * c : 2 * (c - half) + 1;
  } else {
    return c;
  }
}

/// One column of a panel, from element `first` of a tensor; `first` < 0: zeros.
template <class From, class To>
void pack_column(const void* from, std::int64_t first, std::int64_t width, To* to,
                 std::int64_t columns) {
  for (std::int64_t k = 0; k < width; ++k, to += columns) {
    if (first < 0) {
      *to = To{};
    } else if constexpr (std::is_same_v<From, To>) {
      std::memcpy(to, static_cast<const std::byte*>(from) + (first + k) * std::int64_t{sizeof(To)},
                  sizeof(To));
    } else {
      *to = To(kernels::load<From>(from, first + k));
    }
  }
}

/// Task i is panel i of the stack.
template <class From, class To>
void pack_panel(const RepackParams& params, std::int64_t i) {
  const std::int64_t columns = cpu::panel_columns(params.layout);
  const cpu::Panels panels = cpu::panels_of(params.matrices, columns);
  const std::int64_t width = params.matrices.width;
  const std::int64_t expert = i / panels.count();
  To* const to = static_cast<To*>(params.to) + i * width * columns;
  // In pieces of k that stay in the first-level cache until all columns have been there.
  constexpr std::int64_t kPiece = 128;
  for (std::int64_t k = 0; k < width; k += kPiece)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t row = panels.row_of(i % panels.count(), c);
      const std::int64_t first = (expert * panels.num_rows + row) * width + k;
      pack_column<From, To>(params.from, row < 0 ? -1 : first, std::min(kPiece, width - k),
                            to + k * columns + place_of<To>(c, columns), columns);
    }
}

void pack_panels(const void* block, std::int64_t first, std::int64_t last,
                 std::span<std::byte> /*scratch*/) {
  const auto& params = *static_cast<const RepackParams*>(block);
  kernels::with_type_of(params.from_dtype, [&](auto from) {
    kernels::with_type_of(params.matrices.dtype, [&](auto to) {
      for (std::int64_t i = first; i < last; ++i)
        pack_panel<decltype(from), decltype(to)>(params, i);
    });
  });
}

}  // namespace

void CpuBackend::repack(Stream& stream, DeviceSpan<std::byte> to, const ExpertMatrices& matrices,
                        WeightLayout layout, const HostTensor& from) {
  if (to.size() != packed_bytes(matrices, layout))
    throw Error(ErrorCode::invalid_argument, "destination has " + std::to_string(to.size()) +
                                                 " bytes, must have " +
                                                 std::to_string(packed_bytes(matrices, layout)));
  if (cpu::panel_columns(layout) == 0)
    throw Error(ErrorCode::invalid_argument, "layout has no panels, must be one of panels");
  push(stream,
       host::Command::make(
           [](const host::Command& command, const host::Worker& worker) {
             const auto params = command.read<RepackParams>();
             const cpu::Panels panels =
                 cpu::panels_of(params.matrices, cpu::panel_columns(params.layout));
             worker.run({&pack_panels, &params, params.matrices.num_experts * panels.count()}, 0);
           },
           RepackParams{to.data(), from.bytes.data(), matrices, from.dtype, layout}));
}

}  // namespace switchyard
