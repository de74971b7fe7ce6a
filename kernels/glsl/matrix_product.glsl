// SPDX-License-Identifier: Apache-2.0
// Matrix products for many rows per expert, on fragments of 16 by 16 by 16 (fragments.glsl).
//
// A block of four waves makes a tile: kTileRows packed rows of one expert by kTileLines rows of w.
// Stages of kDepth along the inner dimension go through shared memory, in octets of 16 bytes; lines
// are an octet longer than that, which keeps the eight lines of a fragment's load in different
// banks. The next stage is read from memory while the fragments of this one are multiplied. Waves
// stand 2 by 2: a wave has 2 by 4 fragments of sums. Sums leave through the same shared memory, two
// fragments side by side at a time, two columns of a row to a lane: loops that stay loops, since
// activations are long.
//
// Row tiles come from expert_offsets alone: whatever the plan's blocks, all rows of an expert but
// its last ones are in full tiles. The inner dimension and the columns are multiples of 8.
//
// The includer's parameter block has the members of a product over a plan, and it defines
//
//   uint64_t x_address(int64_t row)    of element 0 of the packed row
//   uint64_t w_address(int line)       of element 0 of the tile's row `line` of w, or 0: none
//   void store_pairs(int64_t row, int line, vec2 first, vec2 second)
//                                      the row's sums with lines `line` and line + 1, and with the
//                                      two lines a fragment on; `line` is in an even fragment
const int kTileRows = 64;
const int kTileLines = 128;
const int kDepth = 64;
const int kOctets = kDepth / 8;
const int kPitch = kOctets + 1;
const int kWaveRows = 2;     // waves along the rows, and along the lines
const int kWaveColumns = 2;
const int kFragment = 16;
const int kFragmentRows = kTileRows / kWaveRows / kFragment;
const int kFragmentColumns = kTileLines / kWaveColumns / kFragment;

const int kWOctets = kTileRows * kPitch;        // where w lies among the staged octets
// Octets of a stage to a thread, at most. Lengths of arrays are literals: one that depends on a
// specialisation constant would not be kept in registers.
#ifdef SWITCHYARD_EMULATED_FRAGMENTS
const int kLeastThreads = 32;  // waves of 8
#else
const int kLeastThreads = 128;  // waves of 32
#endif
const int kXPieces = kTileRows * kOctets / kLeastThreads;
const int kWPieces = kTileLines * kOctets / kLeastThreads;
const int kSumsOctets = kFragment * kFragment / 4;  // a fragment of sums, in 16 bytes

shared uvec4 staged[(kTileRows + kTileLines) * kPitch];

/// Where the fragment of this wave lies in a staged operand, in octets; its lines are kPitch apart.
int x_fragment(int m, int step_16) {
  return (int(wave()) / kWaveColumns * kFragmentRows + m) * kFragment * kPitch + step_16 * 2;
}
int w_fragment(int n, int step_16) {
  return kWOctets + step_16 * 2 +
         (int(wave()) % kWaveColumns * kFragmentColumns + n) * kFragment * kPitch;
}
/// Where this wave puts down the sums of two fragments, row by row.
int sums_fragment(int which) { return (int(wave()) * 2 + which) * kSumsOctets; }

#include "kernels/glsl/fragments.glsl"

// The tile at hand: its expert and its packed rows [tile_first, tile_end), more than kTileRows where
// the expert has more; its first row of w is for the includer.
int tile_expert;
int64_t tile_first;
int64_t tile_end;

uint64_t x_address(int64_t row);
uint64_t w_address(int line);

/// Moves to row tile `tile`; false: there are fewer. Every lane of every wave comes to the same.
bool enter_row_tile(int64_t tile) {
  tile_expert = 0;
  if (params.expert_offsets == 0ul) {
    tile_first = tile * int64_t(kTileRows);
    tile_end = int64_t(live_count(params.live_tokens, params.max_rows));
    return tile_first < tile_end;
  }
  int before = 0;  // row tiles of the experts that were looked at
  for (int base = 0; base < params.num_experts; base += int(kWave)) {
    const int expert = base + int(lane());
    int first = 0;
    int end = 0;
    if (expert < params.num_experts) {
      first = load_int(params.expert_offsets, int64_t(expert));
      end = load_int(params.expert_offsets, int64_t(expert) + 1l);
    }
    const int own = (end - first + kTileRows - 1) / kTileRows;
    int upto = own;
    for (uint distance = 1u; distance < kWave; distance *= 2u) {
      const int below = subgroupShuffle(upto, lane() < distance ? lane() : lane() - distance);
      if (lane() >= distance) upto += below;
    }
    const uvec4 beyond = subgroupBallot(tile < int64_t(before + upto));
    if (subgroupBallotBitCount(beyond) != 0u) {
      const uint found = subgroupBallotFindLSB(beyond);
      tile_expert = base + int(found);
      const int skipped = int(tile) - before - subgroupShuffle(upto - own, found);
      tile_first = int64_t(subgroupShuffle(first, found)) + int64_t(skipped) * int64_t(kTileRows);
      tile_end = int64_t(subgroupShuffle(end, found));
      return true;
    }
    before += subgroupShuffle(upto, kWave - 1u);
  }
  return false;
}

/// Row tiles that a launch can need.
int64_t num_row_tiles() {
  const int64_t full = ceil_div(int64_t(params.max_rows), kTileRows);
  if (params.expert_offsets == 0ul) return full;
  return full + int64_t(min(params.max_rows, params.num_experts));
}

/// The packed row that this wave's fragments start at.
int64_t wave_first() {
  return tile_first + int64_t(int(wave()) / kWaveColumns * kFragmentRows * kFragment);
}

uvec4 octet_at(uint64_t line, int k, int depth) {
  return line != 0ul && k < depth ? VectorAt(line + uint64_t(k) * 2ul).value : uvec4(0u);
}

/// The sums of the tile, in fragments. All threads of the block call it.
void multiply(int depth) {
  const int kThreads = kWaveRows * kWaveColumns * int(kWave);
  const int kLinesAtOnce = kThreads / kOctets;
  const int line = int(thread()) / kOctets;  // of this thread's first piece
  const int octet = int(thread()) % kOctets;
  uint64_t x_at[kXPieces];  // of each line that this thread stages an octet of; 0: zeros
  uint64_t w_at[kWPieces];
  uvec4 x_next[kXPieces];
  uvec4 w_next[kWPieces];
  [[unroll]] for (int n = 0; n < kXPieces; ++n) {
    const int64_t row = tile_first + int64_t(line + n * kLinesAtOnce);
    x_at[n] = n * kLinesAtOnce < kTileRows && row < tile_end ? x_address(row) : 0ul;
  }
  [[unroll]] for (int n = 0; n < kWPieces; ++n) {
    w_at[n] = n * kLinesAtOnce < kTileLines ? w_address(line + n * kLinesAtOnce) : 0ul;
    w_next[n] = octet_at(w_at[n], octet * 8, depth);
  }
  [[unroll]] for (int n = 0; n < kXPieces; ++n) x_next[n] = octet_at(x_at[n], octet * 8, depth);
  const bool has_rows = wave_first() < tile_end;
  clear_sums();
  for (int base = 0; base < depth; base += kDepth) {
    sync_shared();  // the stage before has been read
    [[unroll]] for (int n = 0; n < kXPieces; ++n)
      if (n * kLinesAtOnce < kTileRows) staged[(line + n * kLinesAtOnce) * kPitch + octet] = x_next[n];
    [[unroll]] for (int n = 0; n < kWPieces; ++n)
      if (n * kLinesAtOnce < kTileLines) staged[kWOctets + (line + n * kLinesAtOnce) * kPitch + octet] = w_next[n];
    sync_shared();
    const int next = base + kDepth + octet * 8;
    [[unroll]] for (int n = 0; n < kXPieces; ++n) x_next[n] = octet_at(x_at[n], next, depth);
    [[unroll]] for (int n = 0; n < kWPieces; ++n) w_next[n] = octet_at(w_at[n], next, depth);
    if (has_rows) add_products();
  }
}

void store_pairs(int64_t row, int line, vec2 first, vec2 second);

/// Two neighbours of the sums that were put down at `fragment`.
vec2 sums_at(int fragment, int pair) {
  const uvec4 octet = staged[fragment + pair / 2];
  return uintBitsToFloat(pair % 2 == 0 ? octet.xy : octet.zw);
}

/// Gives every row's sums to store_pairs.
void store_tile() {
  const int first_line = int(wave()) % kWaveColumns * kFragmentColumns * kFragment;
  sync_shared();  // the last stage has been read
  [[dont_unroll]] for (int m = 0; m < kFragmentRows; ++m)
    [[dont_unroll]] for (int n = 0; n < kFragmentColumns; n += 2) {
      sync_wave();  // the sums before have been read
      put_sums(m, n);
      sync_wave();
      const int64_t first = wave_first() + int64_t(m * kFragment);
      [[dont_unroll]] for (int pair = int(lane()); pair < kFragment * kFragment / 2;
                           pair += int(kWave)) {
        const int64_t row = first + int64_t(pair / (kFragment / 2));
        if (row >= tile_end) break;
        store_pairs(row, first_line + n * kFragment + pair % (kFragment / 2) * 2,
                    sums_at(sums_fragment(0), pair), sums_at(sums_fragment(1), pair));
      }
    }
}
