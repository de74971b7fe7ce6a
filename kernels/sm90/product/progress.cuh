// SPDX-License-Identifier: Apache-2.0
// How gate_up tells down that an expert's activated rows are stored (ProductCounters::stored).
#pragma once

#include <cstdint>

#include "kernels/sm90/barrier.cuh"
#include "kernels/sm90/product/consumer.cuh"
#include "kernels/sm90/product/view.hpp"

namespace switchyard::kernels::sm90 {

/// What a consumer of gate_up has stored and not told yet. It tells an item when the products of the
/// next one are done: by then its stores have long arrived, and nobody waits for them.
class StoredRows {
 public:
  __device__ explicit StoredRows(std::uint32_t* stored) : stored_(stored) {}

  __device__ __forceinline__ void add(const ProductItem& item, std::int32_t eights) {
    expert_ = item.expert;
    count_ = static_cast<std::uint32_t>(item.num_rows * eights);
  }
  /// By all threads of the consumer.
  __device__ __forceinline__ void tell(const Consumer& consumer) {
    if (stored_ == nullptr || count_ == 0) return;
    consumer.meet();
    if (consumer.thread == 0)
      asm volatile("fence.acq_rel.gpu; red.relaxed.gpu.global.add.u32 [%0], %1;" ::"l"(stored_ +
                                                                                      expert_),
                   "r"(count_)
                   : "memory");
    count_ = 0;
  }

 private:
  std::uint32_t* stored_;
  std::int32_t expert_ = 0;
  std::uint32_t count_ = 0;
};

/// What down's producer knows of the experts whose rows it needs.
class ExpertGate {
 public:
  __device__ ExpertGate(const std::uint32_t* stored, const PackedRow* offsets, std::int32_t eights)
      : stored_(stored), offsets_(offsets), eights_(eights) {}

  [[nodiscard]] __device__ __forceinline__ bool is_there() const { return stored_ != nullptr; }
  /// Looks whether the rows of the next item are there. Comes after pass() for the item before.
  __device__ __forceinline__ void look(const ProductItem& item) {
    if (stored_ == nullptr) return;
    const std::int32_t rows = value_of(offsets_[item.expert + 1]) - value_of(offsets_[item.expert]);
    needed_ = static_cast<std::uint32_t>(rows * eights_);
    expert_ = item.expert;
    open_ = load() == needed_;
  }
  /// Waits until they are. The copy engine may read them then.
  __device__ __forceinline__ void pass() {
    if (stored_ == nullptr) return;
    while (!open_) open_ = load() == needed_;
    asm volatile("fence.proxy.async;" ::: "memory");
  }

 private:
  [[nodiscard]] __device__ __forceinline__ std::uint32_t load() const {
    std::uint32_t value;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                 : "=r"(value)
                 : "l"(stored_ + expert_)
                 : "memory");
    return value;
  }

  const std::uint32_t* stored_;
  const PackedRow* offsets_;
  std::int32_t eights_;
  std::uint32_t needed_ = 0;
  std::int32_t expert_ = 0;
  bool open_ = false;
};

}  // namespace switchyard::kernels::sm90
