#version 460
// SPDX-License-Identifier: Apache-2.0
// Slots, blocks and tails.
#extension GL_GOOGLE_include_directive : require
#include "kernels/plan/plan_steps.glsl"

void main() {
  fill_rest(int64_t(gl_WorkGroupID.x) * int64_t(num_threads()) + int64_t(thread()),
            int64_t(gl_NumWorkGroups.x) * int64_t(num_threads()));
}
