// SPDX-License-Identifier: Apache-2.0
#include "layer_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "elements.hpp"
#include "random_data.hpp"
#include "switchyard/error.hpp"
#include "switchyard/limits.hpp"

namespace switchyard::tools {
namespace {

std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

bool has_shape(const checkpoint::TensorEntry& tensor, std::int64_t rows, std::int64_t cols) {
  return tensor.shape.size() == 2 && tensor.shape[0] == rows && tensor.shape[1] == cols;
}

}  // namespace

IoFile::IoFile(std::filesystem::path path)
    : path_(std::move(path)), file_(checkpoint::SafetensorsFile::open(path_)) {}

void IoFile::fail(const std::string& what) const {
  throw Error(ErrorCode::malformed_file, fmt::format("{}: {}", path_.string(), what));
}

std::optional<std::int64_t> IoFile::layer() const {
  const auto found = file_.metadata().find("layer");
  if (found == file_.metadata().end()) {
    return std::nullopt;
  }
  const std::string& text = found->second;
  std::int64_t layer = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), layer);
  if (error != std::errc{} || end != text.data() + text.size() || layer < 0) {
    fail(fmt::format("metadata layer is \"{}\", must be a layer number", text.substr(0, 64)));
  }
  return layer;
}

std::vector<float> IoFile::read_rows(const checkpoint::TensorEntry& tensor, std::int64_t rows,
                                     std::int64_t cols) const {
  const auto dtype = checkpoint::to_dtype(tensor.dtype);
  if (!dtype) {
    fail(fmt::format("{} has dtype {}, must be F32, BF16 or F16", tensor.name,
                     checkpoint::name(tensor.dtype)));
  }
  const auto count = static_cast<std::size_t>(rows * cols);
  std::vector<float> values = to_floats(tensor.bytes.first(count * size_of(*dtype)), *dtype);
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
  if (bad != values.end()) {
    const auto index = bad - values.begin();
    fail(fmt::format("{}[{}, {}] is {}, must be finite", tensor.name, index / cols, index % cols,
                     *bad));
  }
  return values;
}

LayerInput IoFile::read(const LayerConfig& config, std::int64_t layer,
                        std::optional<std::int64_t> num_tokens) const {
  const checkpoint::TensorEntry* states = file_.find("hidden_states");
  if (states == nullptr) {
    fail("has no tensor hidden_states");
  }
  if (states->shape.size() != 2 || states->shape[1] != config.hidden_size) {
    fail(fmt::format("hidden_states has shape {}, must be [num_tokens, hidden_size = {}]",
                     shape_text(states->shape), config.hidden_size));
  }
  const std::int64_t rows = states->shape[0];
  if (rows > limits::kMaxTokens) {
    fail(fmt::format("hidden_states has {} tokens, must be at most {}", rows, limits::kMaxTokens));
  }
  LayerInput input;
  input.origin = path_.string();
  input.num_tokens = num_tokens.value_or(rows);
  if (input.num_tokens > rows) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("--tokens is {}, must be at most the {} tokens of {}", input.num_tokens,
                            rows, path_.string()));
  }
  input.hidden_states = read_rows(*states, input.num_tokens, config.hidden_size);

  const checkpoint::TensorEntry* expected = file_.find("expected.output");
  if (expected == nullptr) {
    expected = file_.find("output");
  }
  if (expected != nullptr && !has_shape(*expected, rows, config.hidden_size)) {
    fail(fmt::format("{} has shape {}, must be that of hidden_states, {}", expected->name,
                     shape_text(expected->shape), shape_text(states->shape)));
  }
  const std::optional<std::int64_t> recorded_layer = this->layer();
  if (expected != nullptr && recorded_layer && *recorded_layer != layer) {
    input.note =
        fmt::format("{} is that of layer {}: not compared", expected->name, *recorded_layer);
    return input;
  }
  if (expected != nullptr) {
    input.expected = read_rows(*expected, input.num_tokens, config.hidden_size);
  }
  for (const checkpoint::TensorEntry& tensor : file_.tensors()) {
    if (tensor.name.substr(0, 6) == "trace." && tensor.dtype == checkpoint::TensorDType::i32 &&
        has_shape(tensor, rows, config.top_k) && input.num_tokens > 0) {
      input.expected_ids.resize(static_cast<std::size_t>(input.num_tokens * config.top_k));
      std::memcpy(input.expected_ids.data(), tensor.bytes.data(),
                  input.expected_ids.size() * sizeof(std::int32_t));
      break;
    }
  }
  return input;
}

LayerInput random_input(const LayerConfig& config, std::int64_t num_tokens, std::uint64_t seed) {
  LayerInput input;
  input.origin = fmt::format("random states, seed {}", seed);
  input.num_tokens = num_tokens;
  input.hidden_states =
      random_states(static_cast<std::size_t>(num_tokens * config.hidden_size), seed);
  return input;
}

}  // namespace switchyard::tools
