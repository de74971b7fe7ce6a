// SPDX-License-Identifier: Apache-2.0
// The seam between host code and nvcc: addresses of the kernels for compute capability 9.0.
#pragma once

namespace switchyard::sm90 {

[[nodiscard]] const void* repack_kernel() noexcept;

}  // namespace switchyard::sm90
