// SPDX-License-Identifier: Apache-2.0
// SWITCHYARD_FN marks a function that lanes of a GPU and host threads both call.
// SWITCHYARD_ROLLED stands before a loop that a GPU's compiler leaves as it is: unrolling one whose
// step is known at run time costs a division before it.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__)
#define SWITCHYARD_FN __host__ __device__
#else
#define SWITCHYARD_FN
#endif

#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define SWITCHYARD_ROLLED _Pragma("unroll 1")
#else
#define SWITCHYARD_ROLLED
#endif
