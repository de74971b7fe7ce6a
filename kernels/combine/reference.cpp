// SPDX-License-Identifier: Apache-2.0
#include "kernels/combine/reference.hpp"

#include <algorithm>
#include <array>

#include "kernels/elements.hpp"
#include "kernels/math.hpp"

namespace switchyard::kernels::reference {
namespace {

constexpr std::int64_t kColumns = 256;

/// A piece of one output row while it is summed.
struct Piece {
  DType dtype;
  std::int64_t count;
  std::array<float, kColumns> sum{};

  void add(float weight, const void* rows, std::int64_t first) {
    std::array<float, kColumns> row;
    load_row(dtype, rows, first, count, row.data());
    for (std::int64_t i = 0; i < count; ++i) {
      const auto c = static_cast<std::size_t>(i);
      sum[c] += weight * row[c];
    }
  }
};

void combine_piece(const CombineParams& params, std::int64_t t, std::int64_t first) {
  const std::int64_t hidden = params.hidden_size;
  Piece piece{params.activation_dtype, std::min(kColumns, hidden - first)};
  for (std::int64_t pair = t * params.top_k; pair < (t + 1) * params.top_k; ++pair) {
    const std::int64_t row = value_of(params.pairs_by_token[pair]);
    if (row < 0) continue;
    const float weight = params.pair_weights == nullptr ? 1.0F : params.pair_weights[pair];
    piece.add(weight, params.expert_rows, row * hidden + first);
  }
  if (params.shared_rows != nullptr) {
    const float gate = params.shared_gate == nullptr ? 1.0F : sigmoid(params.shared_gate[t]);
    piece.add(gate, params.shared_rows, t * hidden + first);
  }
  if (params.residual != nullptr) piece.add(1.0F, params.residual, t * hidden + first);
  store_row(params.activation_dtype, piece.sum.data(), piece.count, params.output,
            t * hidden + first);
}

}  // namespace

std::int64_t num_tasks(const CombineParams& params) noexcept {
  return params.num_tokens;
}

void run(const CombineParams& params, std::int64_t first, std::int64_t last) noexcept {
  const std::int64_t hidden = params.hidden_size;
  const std::int64_t live = live_count(params.live_tokens, params.num_tokens);
  constexpr std::array<float, kColumns> kZeros{};
  for (std::int64_t t = first; t < last; ++t)
    for (std::int64_t h = 0; h < hidden; h += kColumns) {
      if (t < live) {
        combine_piece(params, t, h);
      } else {
        store_row(params.activation_dtype, kZeros.data(), std::min(kColumns, hidden - h),
                  params.output, t * hidden + h);
      }
    }
}

}  // namespace switchyard::kernels::reference
