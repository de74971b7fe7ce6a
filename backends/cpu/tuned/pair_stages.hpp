// SPDX-License-Identifier: Apache-2.0
// The bodies of the matrix stages over pair_tiles.
#pragma once

#include "backends/cpu/tuned/pair_product.hpp"
#include "backends/cpu/tuned/stages.hpp"

template <class S, class Pairs, class FewRows>
inline void run_pair_gate_up(const kernels::GateUpParams& params, const ProductTasks& tasks,
                             std::int64_t first, std::int64_t last, std::span<std::byte> scratch) {
  run_gate_up_tasks<S>(params, tasks, first, last, scratch, [](const auto&... arguments) {
    multiply_pairs<S, Pairs, FewRows>(arguments...);
  });
}

template <class S, class Pairs, class FewRows>
inline void run_pair_down(const kernels::DownParams& params, const ProductTasks& tasks,
                          std::int64_t first, std::int64_t last, std::span<std::byte> scratch) {
  run_down_tasks<S>(params, tasks, first, last, scratch, [](const auto&... arguments) {
    multiply_pairs<S, Pairs, FewRows>(arguments...);
  });
}

/// `base` where pairs are not multiplied.
template <class S, class Pairs, class FewRows>
[[nodiscard]] inline Bodies with_pairs(Bodies base, CpuBodies name) {
  base.name = name;
  base.pair_layout = WeightLayout::pair_tiles;
  base.pair_gate_up = &run_pair_gate_up<S, Pairs, FewRows>;
  base.pair_down = &run_pair_down<S, Pairs, FewRows>;
  return base;
}
