// SPDX-License-Identifier: Apache-2.0
// Stage "combine", bit for bit as the reference body: sums in its order, products rounded before
// they are added.
#pragma once

#include "backends/cpu/tuned/rows.hpp"

/// The rows that a token's output adds up, in order.
struct Addends {
  static constexpr std::size_t kMost = limits::kMaxTopK + 2;  // shared rows, residual

  std::size_t count = 0;
  std::array<float, kMost> weight;
  std::array<const void*, kMost> row;

  void add(float w, const void* r) {
    weight[count] = w;
    row[count] = r;
    ++count;
  }
};

[[nodiscard]] inline Addends addends_of(const kernels::CombineParams& params, std::int64_t t) {
  const DType dtype = params.activation_dtype;
  const std::int64_t hidden = params.hidden_size;
  Addends addends;
  for (std::int64_t pair = t * params.top_k; pair < (t + 1) * params.top_k; ++pair) {
    const std::int64_t row = value_of(params.pairs_by_token[pair]);
    if (row < 0) continue;
    addends.add(params.pair_weights == nullptr ? 1.0F : params.pair_weights[pair],
                kernels::address(dtype, params.expert_rows, row * hidden));
  }
  if (params.shared_rows != nullptr)
    addends.add(params.shared_gate == nullptr ? 1.0F : kernels::sigmoid(params.shared_gate[t]),
                kernels::address(dtype, params.shared_rows, t * hidden));
  if (params.residual != nullptr)
    addends.add(1.0F, kernels::address(dtype, params.residual, t * hidden));
  return addends;
}

template <class S, class Stored>
inline void combine_token(const Addends& addends, std::int64_t hidden, Stored* to) {
  using Vec = typename S::Vec;
  constexpr std::int64_t kStep = 4 * S::kLanes;
  const auto row = [&](std::size_t i)
                       SWITCHYARD_LAMBDA { return static_cast<const Stored*>(addends.row[i]); };
  std::int64_t h = 0;
  for (; h + kStep <= hidden; h += kStep) {
    Vec a = S::set1(0.0F), b = a, c = a, d = a;
    for (std::size_t i = 0; i < addends.count; ++i) {
      const Vec weight = S::set1(addends.weight[i]);
      const Stored* const from = row(i) + h;
      a = S::add(a, S::mul(weight, S::load_elements(from)));
      b = S::add(b, S::mul(weight, S::load_elements(from + S::kLanes)));
      c = S::add(c, S::mul(weight, S::load_elements(from + 2 * S::kLanes)));
      d = S::add(d, S::mul(weight, S::load_elements(from + 3 * S::kLanes)));
    }
    S::store_elements(to + h, a);
    S::store_elements(to + h + S::kLanes, b);
    S::store_elements(to + h + 2 * S::kLanes, c);
    S::store_elements(to + h + 3 * S::kLanes, d);
  }
  for (; h < hidden; h += S::kLanes) {
    const std::int64_t count = std::min(S::kLanes, hidden - h);
    Vec sum = S::set1(0.0F);
    for (std::size_t i = 0; i < addends.count; ++i)
      sum = S::add(
          sum, S::mul(S::set1(addends.weight[i]), load_elements_of<S, Stored>(row(i) + h, count)));
    store_lanes_of<S, Stored>(to, h, count, sum);
  }
}

template <class S, class Stored>
inline void combine_tokens(const kernels::CombineParams& params, std::int64_t first,
                           std::int64_t last) {
  const std::int64_t hidden = params.hidden_size;
  const std::int64_t live = kernels::live_count(params.live_tokens, params.num_tokens);
  for (std::int64_t t = first; t < last; ++t)
    combine_token<S, Stored>(t < live ? addends_of(params, t) : Addends{}, hidden,
                             static_cast<Stored*>(params.output) + t * hidden);
}

template <class S>
inline void run_combine(const kernels::CombineParams& params, std::int64_t first, std::int64_t last,
                        std::span<std::byte> /*scratch*/) {
  if (params.activation_dtype == DType::f32) return combine_tokens<S, float>(params, first, last);
  if (params.activation_dtype == DType::bf16) return combine_tokens<S, bf16>(params, first, last);
  return combine_tokens<S, f16>(params, first, last);
}
