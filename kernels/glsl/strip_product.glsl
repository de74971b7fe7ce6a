// SPDX-License-Identifier: Apache-2.0
// Matrix products for few rows per expert, on fragments of 16 by 16 by 16 (fragments.glsl): bound by
// reading the weights, once.
//
// An item is a row tile, 16 packed rows of one expert at most, and a strip of 16 rows of w: a wave
// takes it alone and meets no other. kAhead stages of kDepth elements of the strip are on their way
// from memory to registers; each goes through the wave's own shared memory to become fragments. x
// comes through the caches, one stage ahead, and only the rows that there are. The strip's addresses
// depend on one load alone, of the tile's expert: its first stages are under way while the rows are
// looked up. A sum adds up the same products in the same order as in matrix_product.glsl, so that a
// row's result does not depend on which of the two ran.
//
// The inner dimension is a multiple of 8. The includer's parameter block has the members of a product
// over a plan, and it defines
//
//   uint64_t x_address(int64_t row)            of element 0 of the packed row
//   uint64_t w_address(int line, int64_t at)   of element 0 of row `line` of strip `at`, or 0: none
//   void store_row(int64_t row, int64_t at, int pair, int sums)
//                                              the row's share of the strip that is number `pair` of
//                                              kFragment / 2; its 16 sums start at octet `sums`
#include "kernels/glsl/row_tiles.glsl"

layout(constant_id = 3) const int kAhead = 2;
const int kDepth = 64;
const int kOctets = kDepth / 8;
const int kPitch = kOctets + 1;
const int kStripWaves = 2;  // of a block
const int kFragment = 16;
const int kFragmentRows = 1;
const int kFragmentColumns = 1;
const int kPieces = kFragment * kOctets / int(kWave);  // octets of a stage to a lane
const int kOperandOctets = kFragment * kPitch;

shared uvec4 staged[kStripWaves * 2 * kOperandOctets];

/// Where the wave's fragments lie among the staged octets; their lines are kPitch apart.
int x_fragment(int m, int step_16) { return int(wave()) * 2 * kOperandOctets + step_16 * 2; }
int w_fragment(int n, int step_16) { return x_fragment(0, step_16) + kOperandOctets; }
/// The sums take the place of x, row by row.
int sums_fragment(int which) { return x_fragment(0, 0); }

#include "kernels/glsl/fragments.glsl"

uint64_t x_address(int64_t row);
uint64_t w_address(int line, int64_t at);
void store_row(int64_t row, int64_t at, int pair, int sums);

/// The line that this lane stages octet `lane_octet()` of, as its piece n.
int lane_line(int n) { return (int(lane()) + n * int(kWave)) / kOctets; }
int lane_octet() { return int(lane()) % kOctets; }

uvec4 octet_at(uint64_t line, int k, int depth) {
  return line != 0ul && k < depth ? VectorAt(line + uint64_t(k) * 2ul).value : uvec4(0u);
}

/// Sums 2 * pair and 2 * pair + 1 of those that start at octet `first`.
vec2 sums_at(int first, int pair) {
  const uvec4 octet = staged[first + pair / 2];
  return uintBitsToFloat(pair % 2 == 0 ? octet.xy : octet.zw);
}

/// The row tile at hand, number `tile`, by strip `at`. Called by whole waves.
void multiply_strip(int64_t tile, int64_t at, int depth) {
  const int octet = lane_octet() * 8;
  uint64_t w_at[kPieces];
  uvec4 w_next[kAhead][kPieces];
  [[unroll]] for (int n = 0; n < kPieces; ++n) w_at[n] = w_address(lane_line(n), at);
  [[unroll]] for (int a = 0; a < kAhead; ++a)
    [[unroll]] for (int n = 0; n < kPieces; ++n)
      w_next[a][n] = octet_at(w_at[n], a * kDepth + octet, depth);
  int64_t first;
  const int count = find_rows(tile, first);
  uint64_t x_at[kPieces];
  uvec4 x_next[kPieces];
  [[unroll]] for (int n = 0; n < kPieces; ++n) {
    x_at[n] = lane_line(n) < count ? x_address(first + int64_t(lane_line(n))) : 0ul;
    x_next[n] = octet_at(x_at[n], octet, depth);
  }
  clear_sums();
  for (int base = 0; base < depth; base += kAhead * kDepth)
    [[unroll]] for (int a = 0; a < kAhead; ++a) {
      const int k = base + a * kDepth;
      if (k >= depth) break;
      sync_wave();  // the stage before has been read
      [[unroll]] for (int n = 0; n < kPieces; ++n) {
        const int place = lane_line(n) * kPitch + lane_octet();
        staged[x_fragment(0, 0) + place] = x_next[n];
        staged[w_fragment(0, 0) + place] = w_next[a][n];
      }
      sync_wave();
      [[unroll]] for (int n = 0; n < kPieces; ++n) {
        w_next[a][n] = octet_at(w_at[n], k + kAhead * kDepth + octet, depth);
        x_next[n] = octet_at(x_at[n], k + kDepth + octet, depth);
      }
      add_products();
    }
  sync_wave();  // the last stage has been read
  put_sums(0, 0);
  sync_wave();
  [[dont_unroll]] for (int i = int(lane()); i < count * kFragment / 2; i += int(kWave)) {
    const int r = i / (kFragment / 2);
    store_row(first + int64_t(r), at, i % (kFragment / 2),
              sums_fragment(0) + r * (kFragment / 4));
  }
  sync_wave();  // the sums have been read
}

/// All items of the launch.
void multiply_all(int64_t strips, int depth) {
  const int64_t items = num_row_tiles() * strips;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_waves());
  int64_t item = int64_t(gl_WorkGroupID.x) * int64_t(num_waves()) + int64_t(wave());
  for (; item < items; item += step_size) {
    const int64_t tile = quotient(item, int(strips));
    enter_row_tile(tile);
    if (item_expert < 0) break;
    multiply_strip(tile, item - tile * strips, depth);
  }
}
