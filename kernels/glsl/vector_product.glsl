// SPDX-License-Identifier: Apache-2.0
// Matrix-vector products for few rows per expert: bound by reading the weights, once, in loads of
// 16 bytes.
//
// An item is a row tile, 16 packed rows of one expert at most, and kLines rows of w: a wave takes it
// alone, and x comes through the caches. Two packed rows share a load of the weights: more would
// cost the waves that hide the reads their registers. The weights' addresses depend on one load
// alone, of the tile's expert, so that they are under way while the rows are looked up.
//
// The includer's parameter block has the members of a product over a plan, and it defines kLines,
// kAhead, and
//
//   uint64_t x_address(int64_t row)            of element 0 of the packed row
//   uint64_t w_address(int line, int64_t at)   of element 0 of the item's row `line` of w
//   void store(int64_t row, int64_t at, float line_sums[kLines])
#include "kernels/glsl/row_tiles.glsl"

const int kRowsAtOnce = 2;
#include "kernels/glsl/vector_sums.glsl"

uint64_t x_address(int64_t row);
uint64_t w_address(int line, int64_t at);
void store(int64_t row, int64_t at, float line_sums[kLines]);

/// Stores the sums of the packed rows [first, first + count), 1 <= count <= rows. Called with a
/// constant `rows`: rows beyond count repeat the last one.
void multiply(int64_t first, int count, int64_t at, int depth, const int rows) {
  uint64_t w[kLines];
  [[unroll]] for (int line = 0; line < kLines; ++line) w[line] = w_address(line, at);
  uint64_t x[kRowsAtOnce];
  [[unroll]] for (int r = 0; r < kRowsAtOnce; ++r)
    x[r] = x_address(first + int64_t(min(r, count - 1)));
  sum_octets(w, x, depth, rows);
  // Lane r stores row r.
  float own[kLines] = sums[0];
  [[unroll]] for (int r = 1; r < kRowsAtOnce; ++r)
    if (r < rows && lane() == uint(r)) own = sums[r];
  if (int(lane()) < count) store(first + int64_t(lane()), at, own);
}

/// All items of the launch.
void multiply_all(int64_t items_per_tile, int depth) {
  const int64_t items = num_row_tiles() * items_per_tile;
  const int64_t step_size = int64_t(gl_NumWorkGroups.x) * int64_t(num_waves());
  int64_t item = int64_t(gl_WorkGroupID.x) * int64_t(num_waves()) + int64_t(wave());
  for (; item < items; item += step_size) {
    const int64_t tile = quotient(item, int(items_per_tile));
    const int64_t at = item - tile * items_per_tile;
    int64_t first;
    enter_row_tile(tile);
    if (item_expert < 0) break;
    int left = find_rows(tile, first);
    while (left > 0) {
      const int count = min(left, kRowsAtOnce);
      if (count == 1)
        multiply(first, count, at, depth, 1);
      else
        multiply(first, count, at, depth, kRowsAtOnce);
      first += int64_t(count);
      left -= count;
    }
  }
}
