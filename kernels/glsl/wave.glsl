// SPDX-License-Identifier: Apache-2.0
// kernels/simt.hpp in GLSL: where an invocation is, and what the lanes of its wave do together. A
// wave is a full subgroup of kWave invocations, 8 to 64. A body has kSharedWords of shared memory.
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_shuffle : require

layout(constant_id = 0) const uint kWave = 32;
layout(local_size_x_id = 1) in;
layout(constant_id = 2) const uint kSharedWords = 4;

uint lane() { return gl_SubgroupInvocationID; }
uint wave() { return gl_SubgroupID; }
uint thread() { return gl_SubgroupID * kWave + gl_SubgroupInvocationID; }
uint num_threads() { return gl_WorkGroupSize.x; }
uint num_waves() { return gl_WorkGroupSize.x / kWave; }
/// All threads of the block meet; memory is ordered.
void sync_block() {
  memoryBarrierBuffer();
  memoryBarrierShared();
  barrier();
}
/// All threads of the block meet; shared memory alone is ordered.
void sync_shared() { barrier(); }
/// All lanes of the wave meet; shared memory alone is ordered among them. subgroupBarrier() would also
/// wait for what is under way from and to buffers.
void sync_wave() {
  controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared,
                 gl_SemanticsAcquireRelease);
}

/// The sum of a wave's 64 partial sums, those of lane l being i * kWave + l, in the order of
/// kernels::strided_sum. Every lane gets it.
float join_partials(float lane_partials[8]) {
  precise float partial[8] = lane_partials;
  for (uint width = 32u / kWave; width > 0u; width /= 2u)
    for (uint j = 0u; j < width; ++j) partial[j] = partial[j] + partial[j + width];
  precise float sum = partial[0];
  for (uint width = kWave / 2u; width > 0u; width /= 2u) {
    precise float other = subgroupShuffleXor(sum, width);
    sum = sum + other;
  }
  return subgroupShuffle(sum, 0u);
}

/// Lanes whose `value` equals this lane's, by the low `bits` bits; lanes with `counted` false are in
/// nobody's mask.
uvec2 wave_match(bool counted, uint value, int bits) {
  uvec2 mask = subgroupBallot(counted).xy;
  for (int bit = 0; bit < bits; ++bit) {
    const bool set = ((value >> bit) & 1u) != 0u;
    const uvec2 having = subgroupBallot(set).xy;
    mask &= set ? having : ~having;
  }
  return mask;
}

int popcount(uvec2 mask) { return bitCount(mask.x) + bitCount(mask.y); }

/// Lanes below this one.
uvec2 lanes_below() {
  const uint l = lane();
  return uvec2(l >= 32u ? 0xffffffffu : (1u << l) - 1u, l <= 32u ? 0u : (1u << (l - 32u)) - 1u);
}

/// One step of an exclusive prefix sum over the wave: the sum below this lane; total gets all.
int scan_step(int own, out int total) {
  int sum = own;
  for (uint distance = 1u; distance < kWave; distance *= 2u) {
    const int below = subgroupShuffle(sum, lane() < distance ? lane() : lane() - distance);
    if (lane() >= distance) sum += below;
  }
  total = subgroupShuffle(sum, kWave - 1u);
  return sum - own;
}
