// SPDX-License-Identifier: Apache-2.0
// What a layer is run on, and what it should give.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "switchyard/checkpoint/safetensors.hpp"
#include "switchyard/layer_config.hpp"

namespace switchyard::tools {

/// Inputs of one call, and the recorded results where there are any. T tokens.
struct LayerInput {
  std::string origin;                      ///< For people: a file or the seed.
  std::int64_t num_tokens = 0;             ///< T
  std::vector<float> hidden_states;        ///< [T, H]
  std::vector<float> expected;             ///< [T, H], or empty: nothing to compare.
  std::vector<std::int32_t> expected_ids;  ///< [T, K] in any order per token, or empty.
  std::string note;                        ///< Why recorded results are not used, or empty.
};

/// An io file: hidden_states [T, H], optionally expected.output (or output, as `--out` writes it)
/// [T, H], the router's ids as trace.* i32 [T, K], and the metadata `layer`. Treated as hostile:
/// every function throws Error{malformed_file} that names the file and the fault.
class IoFile {
 public:
  explicit IoFile(std::filesystem::path path);

  /// The layer that the file was recorded from, where it says so.
  [[nodiscard]] std::optional<std::int64_t> layer() const;

  /// The first num_tokens tokens (all, where not given), for layer `layer` of shapes `config`.
  /// Recorded results of another layer are left out, with a note.
  [[nodiscard]] LayerInput read(const LayerConfig& config, std::int64_t layer,
                                std::optional<std::int64_t> num_tokens) const;

 private:
  [[nodiscard]] std::vector<float> read_rows(const checkpoint::TensorEntry& tensor,
                                             std::int64_t rows, std::int64_t cols) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::filesystem::path path_;
  checkpoint::SafetensorsFile file_;
};

/// Normal hidden states for num_tokens tokens.
[[nodiscard]] LayerInput random_input(const LayerConfig& config, std::int64_t num_tokens,
                                      std::uint64_t seed);

}  // namespace switchyard::tools
