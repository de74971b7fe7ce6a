// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/bodies.hpp"
#include "backends/host/processor.hpp"
#include "switchyard/backends/cpu.hpp"

namespace switchyard {

CpuBackend::CpuBackend(const CpuOptions& options)
    : HostSubstrate({options.num_threads, options.executor}, host::describe_processor()),
      bodies_(std::make_unique<cpu::Bodies>(cpu::choose_bodies(options))) {}

CpuBackend::~CpuBackend() = default;

DeviceList CpuBackend::devices() {
  return {{host::describe_processor()}, ""};
}

CpuBodies CpuBackend::bodies() const noexcept {
  return bodies_->name;
}

std::string CpuBackend::describe_products(const ForwardCall& /*call*/) const {
  return std::string(name(bodies_->name));
}

WeightLayout CpuBackend::layout_of(const ExpertMatrices& matrices) const noexcept {
  const bool pairs = matrices.dtype == DType::bf16 && matrices.activation_dtype == DType::bf16;
  return pairs && cpu::suits(bodies_->pair_layout, matrices.width) ? bodies_->pair_layout
                                                                   : bodies_->layout;
}

std::size_t CpuBackend::packed_bytes(const ExpertMatrices& matrices,
                                     WeightLayout layout) const noexcept {
  return static_cast<std::size_t>(matrices.num_experts * cpu::packed_elements(matrices, layout)) *
         size_of(matrices.dtype);
}

}  // namespace switchyard
