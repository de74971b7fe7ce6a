// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/block_weights.hpp"

#include <cstring>
#include <span>
#include <string_view>

#include "core/checkpoint/rearrange.hpp"
#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

std::size_t extent(const HostTensor& tensor, std::size_t axis) {
  return static_cast<std::size_t>(tensor.shape[axis]);
}

class Reader {
 public:
  Reader(const LayerTensors& tensors, const LayerConfig& config)
      : tensors_(tensors),
        names_(tensors.experts()),
        experts_(config.num_experts),
        hidden_(config.hidden_size),
        width_(config.intermediate_size),
        per_feature_(config.activation.rows_per_feature()) {}

  void read_experts() {
    switch (layout()) {
      case ExpertLayout::per_expert:
        read_per_expert();
        break;
      case ExpertLayout::fused:
      case ExpertLayout::fused_either:
        read_fused();
        break;
      case ExpertLayout::fused_transposed:
      case ExpertLayout::fused_interleaved:
        read_transposed();
        break;
    }
  }

  void read_router(const LayerConfig& config, bool correction_bias) {
    const TensorNames& names = tensors_.names();
    HostMoeWeights& weights = result_.weights;
    weights.router = tensors_.get(names.router, {experts_, config.hidden_size});
    if (!names.router_bias.empty()) {
      weights.router_bias = tensors_.get(names.router_bias, {experts_});
    }
    if (correction_bias && !names.correction_bias.empty()) {
      weights.correction_bias = tensors_.get(names.correction_bias, {experts_});
    }
  }

  void read_shared(const SharedExpertConfig& shared) {
    const std::int64_t width = shared.intermediate_size;
    if (width == 0) {
      return;
    }
    const SharedNames& names = tensors_.names().shared;
    HostMoeWeights& weights = result_.weights;
    weights.shared_down = tensors_.get(names.down, {hidden_, width});
    if (!names.gate_up.empty()) {
      weights.shared_gate_up = tensors_.get(names.gate_up, {per_feature_ * width, hidden_});
    } else if (names.gate.empty()) {
      weights.shared_gate_up = tensors_.get(names.up, {width, hidden_});
    } else {
      const HostTensor gate = tensors_.get(names.gate, {width, hidden_});
      const HostTensor up = tensors_.get(names.up, {width, hidden_});
      weights.shared_gate_up = stack({gate, up}, {1, 2 * width, hidden_});
    }
    if (shared.gated) {
      weights.shared_gate = tensors_.get(names.sigmoid, {1, hidden_});
    }
  }

  [[nodiscard]] BlockWeights take() { return std::move(result_); }

 private:
  using Shape = std::array<std::int64_t, 3>;

  [[nodiscard]] std::int64_t rows() const { return per_feature_ * width_; }

  [[nodiscard]] ExpertLayout layout() const {
    if (names_.layout == ExpertLayout::fused_either &&
        !tensors_.has_shape(names_.gate_up, {experts_, rows(), hidden_})) {
      return ExpertLayout::fused_transposed;
    }
    return names_.layout;
  }

  std::span<std::byte> allocate(std::size_t bytes) {
    result_.owned.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    return {result_.owned.back().get(), bytes};
  }

  /// Copies tensors of one dtype, one behind the other.
  HostTensor stack(const std::vector<HostTensor>& parts, Shape shape) {
    std::size_t bytes = 0;
    for (const HostTensor& part : parts) {
      if (part.dtype != parts.front().dtype) {
        fail(ErrorCode::unsupported_model, "{}: the layer's expert matrices mix {} and {}",
             tensors_.what(), name(parts.front().dtype), name(part.dtype));
      }
      bytes += part.bytes.size();
    }
    const std::span<std::byte> to = allocate(bytes);
    std::size_t offset = 0;
    for (const HostTensor& part : parts) {
      std::memcpy(to.data() + offset, part.bytes.data(), part.bytes.size());
      offset += part.bytes.size();
    }
    return {.bytes = to, .dtype = parts.front().dtype, .shape = shape};
  }

  void read_per_expert() {
    std::vector<HostTensor> gate_up;
    std::vector<HostTensor> down;
    for (std::int64_t e = 0; e < experts_; ++e) {
      if (per_feature_ == 2) {
        gate_up.push_back(tensors_.get_of_expert(names_.gate, e, {width_, hidden_}));
      }
      gate_up.push_back(tensors_.get_of_expert(names_.up, e, {width_, hidden_}));
      down.push_back(tensors_.get_of_expert(names_.down, e, {hidden_, width_}));
    }
    result_.weights.gate_up = stack(gate_up, {experts_, rows(), hidden_});
    result_.weights.down = stack(down, {experts_, hidden_, width_});
  }

  void read_fused() {
    const std::string_view first = per_feature_ == 2 ? names_.gate_up : names_.up;
    result_.weights.gate_up = tensors_.get(first, {experts_, rows(), hidden_});
    result_.weights.down = tensors_.get(names_.down, {experts_, hidden_, width_});
    read_biases();
  }

  void read_transposed() {
    const HostTensor gate_up = tensors_.get(names_.gate_up, {experts_, hidden_, rows()});
    const HostTensor down = tensors_.get(names_.down, {experts_, width_, hidden_});
    read_biases();
    result_.weights.gate_up = transposed(gate_up, layout() == ExpertLayout::fused_interleaved);
    result_.weights.down = transposed(down, false);
  }

  void read_biases() {
    if (!names_.gate_up_bias.empty()) {
      HostTensor bias = tensors_.get(names_.gate_up_bias, {experts_, rows()});
      if (layout() == ExpertLayout::fused_interleaved) {
        bias = deinterleaved(bias);
      }
      result_.weights.gate_up_bias = bias;
    }
    if (!names_.down_bias.empty()) {
      result_.weights.down_bias = tensors_.get(names_.down_bias, {experts_, hidden_});
    }
  }

  /// Each of the matrices transposed; then, where asked, their even rows before the odd ones.
  HostTensor transposed(const HostTensor& tensor, bool interleaved) {
    const MatrixShape shape{extent(tensor, 1), extent(tensor, 2), size_of(tensor.dtype)};
    const MatrixShape turned{shape.cols, shape.rows, shape.element};
    const std::span<std::byte> to = allocate(tensor.bytes.size());
    const auto scratch =
        std::make_unique_for_overwrite<std::byte[]>(interleaved ? shape.bytes() : 0);
    for (std::size_t e = 0; e < extent(tensor, 0); ++e) {
      const auto from = tensor.bytes.subspan(e * shape.bytes(), shape.bytes());
      const auto target = to.subspan(e * shape.bytes(), shape.bytes());
      if (interleaved) {
        const std::span<std::byte> middle(scratch.get(), shape.bytes());
        transpose(from, shape, middle);
        split_rows(middle, turned, target);
      } else {
        transpose(from, shape, target);
      }
    }
    return {.bytes = to,
            .dtype = tensor.dtype,
            .shape = {tensor.shape[0], tensor.shape[2], tensor.shape[1]}};
  }

  /// A bias [1,E,2I] with its even elements before the odd ones.
  HostTensor deinterleaved(const HostTensor& bias) {
    const MatrixShape row{extent(bias, 2), 1, size_of(bias.dtype)};
    const std::span<std::byte> to = allocate(bias.bytes.size());
    for (std::size_t e = 0; e < extent(bias, 1); ++e) {
      split_rows(bias.bytes.subspan(e * row.bytes(), row.bytes()), row,
                 to.subspan(e * row.bytes(), row.bytes()));
    }
    return {.bytes = to, .dtype = bias.dtype, .shape = bias.shape};
  }

  const LayerTensors& tensors_;
  const ExpertNames& names_;
  std::int64_t experts_;
  std::int64_t hidden_;
  std::int64_t width_;
  std::int64_t per_feature_;
  BlockWeights result_;
};

}  // namespace

BlockWeights read_block_weights(const LayerTensors& tensors, const LayerConfig& config,
                                bool correction_bias) {
  Reader reader(tensors, config);
  reader.read_router(config, correction_bias);
  reader.read_shared(config.shared_expert);
  reader.read_experts();
  return reader.take();
}

}  // namespace switchyard::checkpoint
