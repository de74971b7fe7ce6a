// SPDX-License-Identifier: Apache-2.0
// The seam between host code and the vendor's compiler: addresses of kernels.
#pragma once

namespace switchyard::gpu {

/// The kernel that runs Body with waves of `wave_size` lanes, as the vendor's launch call takes it;
/// null where no kernel was compiled for that size. Instantiated for every body by the files that
/// pass through the vendor's compiler.
template <class Api, class Body>
[[nodiscard]] const void* kernel_address(int wave_size) noexcept;

}  // namespace switchyard::gpu
