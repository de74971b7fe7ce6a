#version 460
// SPDX-License-Identifier: Apache-2.0
// The portable probe, as kernels/probe/simt.hpp: reads memory as fast as a device can.
#extension GL_GOOGLE_include_directive : require
#include "kernels/glsl/memory.glsl"
#include "kernels/glsl/wave.glsl"

layout(push_constant, scalar) uniform Params {
  uint64_t from;
  uint64_t sink;
  int64_t num_pieces;
} params;

layout(buffer_reference, scalar, buffer_reference_align = 16) readonly buffer PieceAt {
  uvec4 words;
};

const int kAtOnce = 4;

uvec4 piece(int64_t i) { return PieceAt(params.from + uint64_t(i) * 16ul).words; }
uint folded(uvec4 words) { return words.x ^ words.y ^ words.z ^ words.w; }

void main() {
  const int64_t threads = int64_t(gl_NumWorkGroups.x) * int64_t(num_threads());
  const int64_t first = int64_t(gl_WorkGroupID.x) * int64_t(num_threads()) + int64_t(thread());
  uint sum = 0u;
  int64_t i = first;
  for (; i + int64_t(kAtOnce - 1) * threads < params.num_pieces; i += int64_t(kAtOnce) * threads) {
    uvec4 read[kAtOnce];
    [[unroll]] for (int j = 0; j < kAtOnce; ++j) read[j] = piece(i + int64_t(j) * threads);
    [[unroll]] for (int j = 0; j < kAtOnce; ++j) sum ^= folded(read[j]);
  }
  for (; i < params.num_pieces; i += threads) sum ^= folded(piece(i));
  store_word(params.sink, first, sum);
}
