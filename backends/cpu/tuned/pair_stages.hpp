// SPDX-License-Identifier: Apache-2.0
// The bodies of the matrix stages over pairs of bf16. Product::multiply(...) is what multiplies, as
// run_gate_up_tasks wants it; Product::kLayout what it reads.
#pragma once

#include "backends/cpu/tuned/stages.hpp"

template <class S, class Product>
inline void run_pair_gate_up(const kernels::GateUpParams& params, const ProductTasks& tasks,
                             std::int64_t first, std::int64_t last, std::span<std::byte> scratch) {
  run_gate_up_tasks<S>(params, tasks, first, last, scratch,
                       [](const auto&... arguments) { Product::multiply(arguments...); });
}

template <class S, class Product>
inline void run_pair_down(const kernels::DownParams& params, const ProductTasks& tasks,
                          std::int64_t first, std::int64_t last, std::span<std::byte> scratch) {
  run_down_tasks<S>(params, tasks, first, last, scratch,
                    [](const auto&... arguments) { Product::multiply(arguments...); });
}

/// `base` where pairs are not multiplied.
template <class S, class Product>
[[nodiscard]] inline Bodies with_pairs(Bodies base, CpuBodies name) {
  base.name = name;
  base.pair_layout = Product::kLayout;
  base.pair_gate_up = &run_pair_gate_up<S, Product>;
  base.pair_down = &run_pair_down<S, Product>;
  return base;
}
