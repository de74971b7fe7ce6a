// SPDX-License-Identifier: Apache-2.0
// A layer's weights in device memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "core/convert.hpp"
#include "switchyard/backend.hpp"
#include "switchyard/expert_matrices.hpp"
#include "switchyard/layer_config.hpp"
#include "switchyard/moe_layer.hpp"
#include "switchyard/weights.hpp"

namespace switchyard::core {

/// Expert matrices in device memory; null: absent.
struct ExpertMatrixAddress {
  const void* data = nullptr;
  WeightLayout layout = WeightLayout::rows;
};

/// Device addresses of the weights, as the stages' parameter blocks take them; null: absent.
struct WeightAddresses {
  ExpertMatrixAddress gate_up;         // [E_local, G*I, H] weight_dtype
  ExpertMatrixAddress down;            // [E_local, H, I] weight_dtype
  ExpertMatrixAddress shared_gate_up;  // [G*I_shared, H] weight_dtype
  ExpertMatrixAddress shared_down;     // [H, I_shared] weight_dtype
  const float* gate_up_bias = nullptr;
  const float* down_bias = nullptr;
  const float* router = nullptr;
  const float* router_bias = nullptr;
  const float* correction_bias = nullptr;
  const float* shared_gate = nullptr;
  const std::int32_t* expert_map = nullptr;
};

/// Owns the weights on the device of one backend. The expert matrices are kept in weight_dtype and
/// in the layout that the backend asks for, else the checkpoint's; everything small in f32.
/// Borrowed expert matrices stay where they are.
template <Backend B>
class ExpertWeights {
 public:
  /// Converts and uploads checked weights; done when it returns.
  ExpertWeights(B& backend, typename B::Stream& stream, const LayerConfig& config,
                const HostMoeWeights& host, WeightStorage storage) {
    const auto matrix = [&](const HostTensor& tensor, std::int64_t experts, bool has_gate) {
      const ExpertMatrices matrices{experts,  tensor.shape[1],     tensor.shape[2],
                                    has_gate, config.weight_dtype, config.activation_dtype};
      return storage == WeightStorage::borrowed ? borrow(backend, tensor)
                                                : load_matrices(backend, stream, tensor, matrices);
    };
    const bool has_gate = config.activation.rows_per_feature() == 2;
    const auto vector = [&](const HostTensor& tensor) {
      return static_cast<const float*>(load(backend, stream, tensor, DType::f32));
    };
    addresses_.gate_up = matrix(host.gate_up, config.local_experts(), has_gate);
    addresses_.down = matrix(host.down, config.local_experts(), false);
    addresses_.shared_gate_up = matrix(host.shared_gate_up, 1, has_gate);
    addresses_.shared_down = matrix(host.shared_down, 1, false);
    addresses_.gate_up_bias = vector(host.gate_up_bias);
    addresses_.down_bias = vector(host.down_bias);
    addresses_.router = vector(host.router);
    addresses_.router_bias = vector(host.router_bias);
    addresses_.correction_bias = vector(host.correction_bias);
    addresses_.shared_gate = vector(host.shared_gate);
    addresses_.expert_map =
        static_cast<const std::int32_t*>(upload(backend, stream, std::as_bytes(host.expert_map)));
    backend.synchronize(stream);
  }

  [[nodiscard]] const WeightAddresses& addresses() const noexcept { return addresses_; }

 private:
  static constexpr std::size_t kStagingBytes = std::size_t{16} << 20U;

  DeviceSpan<std::byte> allocate(B& backend, std::size_t bytes) {
    buffers_.push_back(backend.template allocate<std::byte>(bytes));
    return buffers_.back().span();
  }

  const void* upload(B& backend, typename B::Stream& stream, std::span<const std::byte> bytes) {
    if (bytes.empty()) return nullptr;
    const DeviceSpan<std::byte> memory = allocate(backend, bytes.size());
    backend.upload(stream, memory, bytes);
    return memory.data();
  }

  /// The expert matrices of a tensor, in the layout that the backend wants.
  ExpertMatrixAddress load_matrices(B& backend, typename B::Stream& stream,
                                    const HostTensor& tensor, const ExpertMatrices& matrices) {
    if constexpr (RepackingBackend<B>) {
      const WeightLayout layout = backend.layout_of(matrices);
      if (tensor.present() && layout != WeightLayout::rows) {
        const DeviceSpan<std::byte> memory =
            allocate(backend, backend.packed_bytes(matrices, layout));
        backend.repack(stream, memory, matrices, layout, tensor);
        return {memory.data(), layout};
      }
    }
    return {load(backend, stream, tensor, matrices.dtype), WeightLayout::rows};
  }

  /// A tensor where it lies; check_weight_storage has refused backends that cannot.
  static ExpertMatrixAddress borrow(B& backend, const HostTensor& tensor) {
    if constexpr (BorrowingBackend<B>) {
      if (tensor.present()) return {backend.borrow(tensor.bytes).data(), WeightLayout::rows};
    }
    return {};
  }

  /// Uploads a tensor as \p dtype, converted a piece at a time through a staging buffer.
  const void* load(B& backend, typename B::Stream& stream, const HostTensor& tensor, DType dtype) {
    if (tensor.dtype == dtype || !tensor.present()) return upload(backend, stream, tensor.bytes);
    const std::size_t from_size = size_of(tensor.dtype);
    const std::size_t to_size = size_of(dtype);
    const std::size_t count = tensor.bytes.size() / from_size;
    const std::size_t step = kStagingBytes / to_size;
    const DeviceSpan<std::byte> memory = allocate(backend, count * to_size);
    std::vector<std::byte> staging(std::min(count, step) * to_size);
    for (std::size_t first = 0; first < count; first += step) {
      const std::size_t elements = std::min(step, count - first);
      const auto piece = std::span(staging).first(elements * to_size);
      convert(tensor.bytes.subspan(first * from_size, elements * from_size), tensor.dtype, piece,
              dtype);
      backend.upload(stream, memory.subspan(first * to_size, piece.size()), piece);
      backend.synchronize(stream);
    }
    return memory.data();
  }

  std::vector<typename B::template Buffer<std::byte>> buffers_;
  WeightAddresses addresses_;
};

}  // namespace switchyard::core
