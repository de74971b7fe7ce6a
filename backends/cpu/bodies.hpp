// SPDX-License-Identifier: Apache-2.0
// The bodies that a CpuBackend runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/cpu/product_tasks.hpp"
#include "kernels/combine/params.hpp"
#include "kernels/gate/params.hpp"
#include "switchyard/backends/cpu.hpp"

namespace switchyard::cpu {

/// Runs tasks [first, last) of a grouped matrix product.
template <class Params>
using ProductBody = void (*)(const Params& params, const ProductTasks& tasks, std::int64_t first,
                             std::int64_t last, std::span<std::byte> scratch);

/// Runs tasks [first, last) as the reference body numbers them.
template <class Params>
using PlainBody = void (*)(const Params& params, std::int64_t first, std::int64_t last,
                           std::span<std::byte> scratch);

/// What one instruction set has. Stages that are not here have one body for all.
struct Bodies {
  CpuBodies name;
  WeightLayout layout;       // of repacked matrices; rows: they are not repacked
  WeightLayout pair_layout;  // of those that are bf16 and multiply bf16; else as layout
  std::int64_t columns;      // of a panel, also where matrices lie in rows
  ProductBody<kernels::GateUpParams> gate_up;
  ProductBody<kernels::DownParams> down;
  ProductBody<kernels::GateUpParams> pair_gate_up;  // null where pair_layout is layout
  ProductBody<kernels::DownParams> pair_down;
  PlainBody<kernels::GateParams> gate;
  PlainBody<kernels::CombineParams> combine;
};

/// Bodies compiled for an instruction set; null where this build has none.
[[nodiscard]] const Bodies* avx2_bodies() noexcept;
[[nodiscard]] const Bodies* avx512_bodies() noexcept;
[[nodiscard]] const Bodies* avx512_bf16_bodies() noexcept;
[[nodiscard]] const Bodies* amx_bodies() noexcept;
[[nodiscard]] const Bodies* neon_bodies() noexcept;

/// The bodies that options ask for. `reference` has null bodies. Throws as CpuBackend does.
[[nodiscard]] Bodies choose_bodies(const CpuOptions& options);

}  // namespace switchyard::cpu
