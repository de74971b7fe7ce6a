// SPDX-License-Identifier: Apache-2.0
// Which bodies a GpuBackend runs, and what it says of layouts.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

#include "switchyard/backends/gpu.hpp"
#include "switchyard/error.hpp"
#include "switchyard/swizzled_tiles.hpp"

namespace switchyard::gpu {

[[noreturn]] inline void refuse(const std::string& message) {
  throw Error(ErrorCode::invalid_argument, message);
}

/// The bodies that an option asks for, where it is `automatic` by the environment. Throws as
/// GpuBackend does.
[[nodiscard]] inline GpuBodies choose_bodies(GpuBodies wanted) {
  if (wanted > GpuBodies::portable)
    refuse("options.bodies is " + std::to_string(static_cast<int>(wanted)) +
           ", must be an enumerator in [0, 1]");
  const char* const raw = std::getenv("SWITCHYARD_GPU_BODIES");
  const std::string_view text = raw == nullptr ? "" : raw;
  if (wanted != GpuBodies::automatic || text.empty()) return wanted;
  for (const GpuBodies bodies : {GpuBodies::automatic, GpuBodies::portable})
    if (text == name(bodies)) return bodies;
  refuse("environment variable SWITCHYARD_GPU_BODIES is '" + std::string(text) +
         "', must be automatic or portable");
}

/// The options with their bodies chosen. Throws as GpuBackend does.
[[nodiscard]] inline GpuOptions resolve(const GpuOptions& options) {
  if (options.product_cluster && *options.product_cluster != 1 && *options.product_cluster != 2)
    refuse("options.product_cluster is " + std::to_string(*options.product_cluster) +
           ", must be 1 or 2");
  GpuOptions resolved = options;
  resolved.bodies = choose_bodies(options.bodies);
  return resolved;
}

/// RepackingBackend::packed_bytes. Throws Error{invalid_argument} for a layout of other backends.
[[nodiscard]] inline std::size_t packed_bytes(const ExpertMatrices& matrices, WeightLayout layout) {
  if (layout == WeightLayout::rows)
    return static_cast<std::size_t>(matrices.num_experts * matrices.num_rows * matrices.width) *
           size_of(matrices.dtype);
  if (layout != WeightLayout::swizzled_tiles)
    refuse("layout is " + std::to_string(static_cast<int>(layout)) +
           ", must be rows or swizzled_tiles");
  return static_cast<std::size_t>(matrices.num_experts *
                                  SwizzledTiles::of(matrices).expert_bytes());
}

/// Throws Error{invalid_argument} unless `to` and `from` fit the matrices in swizzled_tiles.
inline void check_repack(DeviceSpan<std::byte> to, const ExpertMatrices& matrices,
                         WeightLayout layout, const HostTensor& from) {
  if (layout != WeightLayout::swizzled_tiles)
    refuse("layout is " + std::to_string(static_cast<int>(layout)) + ", must be swizzled_tiles");
  if (size_of(matrices.dtype) != 2)
    refuse("matrices.dtype is " + std::string(name(matrices.dtype)) + ", must be bf16 or f16");
  if (to.size() != packed_bytes(matrices, layout))
    refuse("destination has " + std::to_string(to.size()) + " bytes, must have " +
           std::to_string(packed_bytes(matrices, layout)));
  const auto elements =
      static_cast<std::size_t>(matrices.num_experts * matrices.num_rows * matrices.width);
  if (from.bytes.size() != elements * size_of(from.dtype))
    refuse("source has " + std::to_string(from.bytes.size()) + " bytes, must have " +
           std::to_string(elements * size_of(from.dtype)));
}

}  // namespace switchyard::gpu
