// SPDX-License-Identifier: Apache-2.0
// SWITCHYARD_FN marks a function that lanes of a GPU and host threads both call.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__)
#define SWITCHYARD_FN __host__ __device__
#else
#define SWITCHYARD_FN
#endif
