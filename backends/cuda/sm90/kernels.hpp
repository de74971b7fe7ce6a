// SPDX-License-Identifier: Apache-2.0
// The seam between host code and nvcc: addresses of the kernels for compute capability 9.0, by the
// type of their elements where they have one.
#pragma once

#include <cstdint>

#include "kernels/combine/sm90_rows.hpp"
#include "kernels/route/simt_register_row.hpp"
#include "kernels/sm90/product/shape.hpp"

namespace switchyard::sm90 {

[[nodiscard]] const void* repack_kernel() noexcept;
[[nodiscard]] const void* gate_up_kernel_bf16(const kernels::sm90::ProductBuild& build) noexcept;
[[nodiscard]] const void* gate_up_kernel_f16(const kernels::sm90::ProductBuild& build) noexcept;
/// Those of lean layers whose hidden states lie in packed order, by the cluster of the build alone.
[[nodiscard]] const void* packed_gate_up_kernel_bf16(
    const kernels::sm90::ProductBuild& build) noexcept;
[[nodiscard]] const void* packed_gate_up_kernel_f16(
    const kernels::sm90::ProductBuild& build) noexcept;
[[nodiscard]] const void* pack_kernel() noexcept;
[[nodiscard]] const void* down_kernel_bf16(const kernels::sm90::ProductBuild& build) noexcept;
[[nodiscard]] const void* down_kernel_f16(const kernels::sm90::ProductBuild& build) noexcept;
[[nodiscard]] const void* combine_kernel_bf16(std::int32_t top_k,
                                              kernels::sm90::ReadRows read) noexcept;
[[nodiscard]] const void* combine_kernel_f16(std::int32_t top_k,
                                             kernels::sm90::ReadRows read) noexcept;
[[nodiscard]] const void* probe_products_kernel() noexcept;
/// By experts of a lane, at most simt::kMaxPerLane.
[[nodiscard]] const void* route_plan_cluster_kernel(int per_lane,
                                                    kernels::simt::Ranking ranking) noexcept;
[[nodiscard]] const void* route_plan_grid_kernel(int per_lane,
                                                 kernels::simt::Ranking ranking) noexcept;

}  // namespace switchyard::sm90
