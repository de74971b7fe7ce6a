// SPDX-License-Identifier: Apache-2.0
// A ring stage times packed rows: weights are A, 16 rows; activations are B, 8 packed rows a tile.
#pragma once

#include <cstdint>

#include "kernels/fused_layer/sm90_stream.cuh"
#include "kernels/sm90/mma_sync.cuh"

namespace switchyard::kernels::sm90 {

/// The activations of a lane for one stage: [2 * piece + h] holds elements 16t + 8h .. + 7 of its
/// piece, of packed row lane / 4.
using StageRows = uint4[4];

/// acc (16 x 8) += a (16 x 64) b (64 x 8).
template <class Element>
__device__ __forceinline__ void multiply_piece(float (&acc)[4], const uint4 (&a)[4],
                                               const uint4* b) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    mma<Element>(acc, a[h].x, a[2 + h].x, a[h].y, a[2 + h].y, b[h].x, b[h].y);
    mma<Element>(acc, a[h].z, a[2 + h].z, a[h].w, a[2 + h].w, b[h].z, b[h].w);
  }
}

/// The stream's next stage, of `pieces` pieces (1 or 2), times kTiles tiles of rows.
template <class Element, int kTiles, Planning kPlanning>
__device__ __forceinline__ void multiply_stage(WeightStream<kPlanning>& stream,
                                               float (&acc)[kTiles][4],
                                               const StageRows (&b)[kTiles], int pieces) {
  stream.wait();
#pragma unroll
  for (int piece = 0; piece < 2; ++piece) {
    if (piece == 1 && pieces < 2) break;
    uint4 a[4];
    stream.load(piece, a);
#pragma unroll
    for (int j = 0; j < kTiles; ++j) multiply_piece<Element>(acc[j], a, &b[j][2 * piece]);
  }
  stream.release();
}

}  // namespace switchyard::kernels::sm90
