// SPDX-License-Identifier: Apache-2.0
// model.safetensors.index.json: which shard holds which tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace switchyard::checkpoint {

struct ShardIndex {
  struct Entry {
    std::string_view tensor;  ///< Views `names`.
    std::uint32_t shard = 0;  ///< In `shards`.
  };
  std::string names;
  std::vector<std::string> shards;  ///< Plain file names.
  std::vector<Entry> entries;       ///< Sorted by tensor.

  ShardIndex() = default;
  ShardIndex(ShardIndex&&) = delete;  // entries view names
};

/// Parses the index into `index`: plain shard names, no duplicate keys, bounded in every respect.
/// `what` begins the messages. Throws Error{malformed_file}.
void parse_shard_index(std::string_view text, std::string_view what, ShardIndex& index);

inline constexpr std::uint64_t kMaxIndexBytes = 100ULL << 20U;
inline constexpr std::size_t kMaxShards = 4096;

}  // namespace switchyard::checkpoint
