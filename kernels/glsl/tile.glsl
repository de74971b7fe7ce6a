// SPDX-License-Identifier: Apache-2.0
// kernels/simt_tile.hpp in GLSL: 16 packed rows of one expert by 64 columns, through shared memory,
// f32 sums in the order of the inner dimension, 128 threads; kDepth, 8 to 32, is what shared memory
// can stage. The includer's parameter block has the
// members of a product over a plan, and it defines
//
//   int64_t x_start(int64_t row)                index of the row's element 0 in x
//   int64_t w_start(int product, int64_t column)  index of the column's element 0 in w
const int kRows = 16;
const int kColumns = 64;
layout(constant_id = 3) const int kDepth = 32;
const int kPitch = kDepth + 1;
const int kRowsPerThread = 4;
const int kColumnsPerThread = 2;
const int kColumnLanes = kColumns / kColumnsPerThread;
const int kStageLines = 128 / kDepth;

shared float x_staged[kRows * kPitch];
shared float w_staged[kMaxProducts * kColumns * kPitch];

// The tile at hand: its expert, and the slot or the row that it starts at.
int tile_expert;
int64_t tile_first;
int64_t tile_first_column;
float sums[kMaxProducts][kRowsPerThread][kColumnsPerThread];

int64_t x_start(int64_t row);
int64_t w_start(int product, int64_t column);

/// The packed row of tile row i, or -1: padding.
int64_t tile_row(int i) {
  if (params.expert_offsets == 0ul) {
    const int64_t row = tile_first + int64_t(i);
    return row < int64_t(live_count(params.live_tokens, params.max_rows)) ? row : -1l;
  }
  const int row = load_int(params.sorted_tokens, tile_first + int64_t(i));
  return row < params.max_rows ? int64_t(row) : -1l;
}

/// Row tiles of the launch: as many as the padded order of a plan can need, or all tokens without
/// one.
int64_t num_row_tiles() {
  if (params.expert_offsets == 0ul) return ceil_div(int64_t(params.max_rows), kRows);
  const int64_t used = int64_t(min(params.max_rows, params.num_experts));
  const int64_t slots = int64_t(params.max_rows) + used * int64_t(params.block_size - 1);
  return ceil_div(slots, params.block_size) * int64_t(params.block_size / kRows);
}

/// Moves to a tile. False: it has no rows, nor has any behind it, where tile_expert is -1. The same
/// for all threads.
bool enter_tile(int64_t tile, int64_t column_tiles) {
  const int64_t row_tile = quotient(tile, int(column_tiles));
  tile_first = row_tile * int64_t(kRows);
  tile_first_column = (tile - row_tile * column_tiles) * int64_t(kColumns);
  tile_expert = 0;
  if (params.expert_offsets != 0ul) {
    tile_expert = load_int(params.block_ids, quotient(tile_first, params.block_size));
    if (tile_expert < 0) return false;
    return tile_row(0) >= 0l;
  }
  if (tile_row(0) < 0l) tile_expert = -1;
  return tile_expert >= 0;
}

/// This thread's i-th row in the tile, and its j-th column.
int thread_row(int i) { return int(thread()) / kColumnLanes * kRowsPerThread + i; }
int64_t thread_column(int j) {
  return tile_first_column + int64_t(int(thread()) % kColumnLanes + j * kColumnLanes);
}

/// sums[p][i][j] = sum over k < depth of x(row i, k) * w(product p, column j, k), for the first
/// `products` products and columns below `columns`. All threads of the block call it.
void multiply(int products, uint64_t x, uint x_dtype, uint64_t w, uint w_dtype, int depth,
              int64_t columns) {
  const int stage_k = int(thread()) % kDepth;
  const int stage_line = int(thread()) / kDepth;
  int64_t x_starts[kRows / kStageLines];
  [[unroll]] for (int n = 0; n < kRows / kStageLines; ++n) {
    const int64_t row = tile_row(stage_line + n * kStageLines);
    x_starts[n] = row < 0l ? -1l : x_start(row);
  }
  [[unroll]] for (int p = 0; p < kMaxProducts; ++p)
    [[unroll]] for (int i = 0; i < kRowsPerThread; ++i)
      [[unroll]] for (int j = 0; j < kColumnsPerThread; ++j) sums[p][i][j] = 0.0;
  for (int base = 0; base < depth; base += kDepth) {
    const int k = base + stage_k;
    sync_shared();  // the stage before has been read
    [[unroll]] for (int n = 0; n < kRows / kStageLines; ++n)
      x_staged[(stage_line + n * kStageLines) * kPitch + stage_k] =
          k < depth && x_starts[n] >= 0l ? load_element(x_dtype, x, x_starts[n] + int64_t(k)) : 0.0;
    for (int line = stage_line; line < products * kColumns; line += kStageLines) {
      const int64_t column = tile_first_column + int64_t(line % kColumns);
      float value = 0.0;
      if (k < depth && column < columns)
        value = load_element(w_dtype, w, w_start(line / kColumns, column) + int64_t(k));
      w_staged[line * kPitch + stage_k] = value;
    }
    sync_shared();
    for (int d = 0; d < kDepth; ++d) {
      float row_values[kRowsPerThread];
      [[unroll]] for (int i = 0; i < kRowsPerThread; ++i)
        row_values[i] = x_staged[thread_row(i) * kPitch + d];
      [[unroll]] for (int p = 0; p < kMaxProducts; ++p) {
        if (p >= products) continue;
        [[unroll]] for (int j = 0; j < kColumnsPerThread; ++j) {
          const int column = int(thread()) % kColumnLanes + j * kColumnLanes;
          const float weight = w_staged[(p * kColumns + column) * kPitch + d];
          [[unroll]] for (int i = 0; i < kRowsPerThread; ++i)
            sums[p][i][j] += row_values[i] * weight;
        }
      }
    }
  }
}
