// SPDX-License-Identifier: Apache-2.0
#include "host_plan.hpp"

#include <fmt/format.h>

namespace switchyard::tools {
namespace {

// FNV-1a over 32-bit words, least significant byte first.
class Digest {
 public:
  void add(std::int32_t value) noexcept {
    auto word = static_cast<std::uint32_t>(value);
    for (int byte = 0; byte < 4; ++byte) {
      state_ = (state_ ^ (word & 0xffU)) * 0x100000001b3U;
      word >>= 8U;
    }
  }
  // The size goes in too: elements cannot move from one buffer to the next unseen.
  void add(const std::vector<std::int32_t>& values) noexcept {
    add(static_cast<std::int32_t>(values.size()));
    for (const std::int32_t value : values) {
      add(value);
    }
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

}  // namespace

std::vector<std::int32_t> HostPlan::expert_load() const {
  std::vector<std::int32_t> load;
  for (std::size_t e = 0; e + 1 < expert_offsets.size(); ++e) {
    load.push_back(expert_offsets[e + 1] - expert_offsets[e]);
  }
  return load;
}

std::uint64_t HostPlan::digest() const noexcept {
  Digest digest;
  digest.add(block_size);
  digest.add(selected_ids);
  digest.add(pairs_by_token);
  digest.add(packed_token_idx);
  digest.add(expert_offsets);
  digest.add(sorted_tokens);
  digest.add(block_ids);
  digest.add(total_post_pad);
  return digest.value();
}

std::string digest_text(std::uint64_t digest) {
  return fmt::format("0x{:016x}", digest);
}

}  // namespace switchyard::tools
