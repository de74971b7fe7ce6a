// SPDX-License-Identifier: Apache-2.0
// What a wave does with kLines rows of w and up to kRowsAtOnce of x: lanes stride along the inner
// dimension by octets, kAhead of them in flight. A sum has one order whatever is summed beside it:
// octets by lane, then lanes by halves.
//
// The includer defines kLines, kRowsAtOnce and kAhead.
float sums[kRowsAtOnce][kLines];

/// Leaves in every lane the sums of w[line] by x[row], for row < `rows`, a constant.
void sum_octets(uint64_t w[kLines], uint64_t x[kRowsAtOnce], int depth, const int rows) {
  [[unroll]] for (int r = 0; r < kRowsAtOnce; ++r)
    [[unroll]] for (int line = 0; line < kLines; ++line) sums[r][line] = 0.0;
  const int stride = int(kWave) * 8;
  for (int base = int(lane()) * 8; base < depth; base += stride * kAhead) {
    Octet weights[kAhead][kLines];
    [[unroll]] for (int a = 0; a < kAhead; ++a) {
      const int k = base + a * stride;
      if (k < depth)
        [[unroll]] for (int line = 0; line < kLines; ++line)
          weights[a][line] = load_octet(w[line] + uint64_t(k) * kElementBytes);
    }
    [[unroll]] for (int a = 0; a < kAhead; ++a) {
      const int k = base + a * stride;
      if (k >= depth) break;
      [[unroll]] for (int r = 0; r < kRowsAtOnce; ++r) {
        if (r >= rows) continue;
        const Octet states = load_octet(x[r] + uint64_t(k) * kElementBytes);
        [[unroll]] for (int i = 0; i < 8; ++i) {
          const float value = widen(states, i);
          [[unroll]] for (int line = 0; line < kLines; ++line)
            sums[r][line] = fma(value, widen(weights[a][line], i), sums[r][line]);
        }
      }
    }
  }
  for (uint width = kWave / 2u; width > 0u; width /= 2u)
    [[unroll]] for (int r = 0; r < kRowsAtOnce; ++r)
      if (r < rows)
        [[unroll]] for (int line = 0; line < kLines; ++line)
          sums[r][line] += subgroupShuffleXor(sums[r][line], width);
}
