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

/// Where the elements of a panel lie.
struct Places {
  WeightLayout layout;
  std::int64_t columns;
  bool zips_columns;  // column c and column c + columns / 2 are neighbours

  [[nodiscard]] std::int64_t of(std::int64_t k, std::int64_t c) const {
    if (layout == WeightLayout::pair_tiles) return in_tiles(k, c);
    if (layout == WeightLayout::pairs32) return (k / 2 * columns + c) * 2 + k % 2;
    if (!zips_columns) return k * columns + c;
    const std::int64_t half = columns / 2;
    return k * columns + (c < half ? 2 * c : 2 * (c - half) + 1);
  }

 private:
  /// A tile is 16 pairs along k, each of 16 columns.
  [[nodiscard]] std::int64_t in_tiles(std::int64_t k, std::int64_t c) const {
    constexpr std::int64_t kColumns = 16;
    constexpr std::int64_t kWidth = 32;
    const std::int64_t tile = k / kWidth * (columns / kColumns) + c / kColumns;
    const std::int64_t pair = k % kWidth / 2 * kColumns + c % kColumns;
    return tile * kColumns * kWidth + pair * 2 + k % 2;
  }
};

/// Elements [first, first + count) of a tensor to a column of a panel from its k on; `first` < 0:
/// zeros.
template <class From, class To>
void pack_column(const void* from, std::int64_t first, std::int64_t count, To* panel,
                 const Places& places, std::int64_t k, std::int64_t column) {
  for (std::int64_t i = 0; i < count; ++i) {
    To* const to = panel + places.of(k + i, column);
    if (first < 0) {
      *to = To{};
    } else if constexpr (std::is_same_v<From, To>) {
      std::memcpy(to, static_cast<const std::byte*>(from) + (first + i) * std::int64_t{sizeof(To)},
                  sizeof(To));
    } else {
      *to = To(kernels::load<From>(from, first + i));
    }
  }
}

/// Task i is panel i of the stack.
template <class From, class To>
void pack_panel(const RepackParams& params, std::int64_t i) {
  const std::int64_t columns = cpu::panel_columns(params.layout);
  const cpu::Panels panels = cpu::panels_of(params.matrices, columns);
  const std::int64_t width = params.matrices.width;
  const std::int64_t padded = cpu::packed_width(width, params.layout);
  const Places places{params.layout, columns, std::is_same_v<To, bf16>};
  const std::int64_t expert = i / panels.count();
  To* const to = static_cast<To*>(params.to) + i * padded * columns;
  // In pieces of k that stay in the first-level cache until all columns have been there.
  constexpr std::int64_t kPiece = 128;
  for (std::int64_t k = 0; k < width; k += kPiece)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t row = panels.row_of(i % panels.count(), c);
      const std::int64_t first = (expert * panels.num_rows + row) * width + k;
      pack_column<From, To>(params.from, row < 0 ? -1 : first, std::min(kPiece, width - k), to,
                            places, k, c);
    }
  for (std::int64_t c = 0; c < columns; ++c)
    pack_column<From, To>(nullptr, -1, padded - width, to, places, width, c);
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
