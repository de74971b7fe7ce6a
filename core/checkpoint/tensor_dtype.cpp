// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>

#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {
namespace {

struct Row {
  TensorDType dtype;
  std::string_view name;
  int bits;
};

// In the order of the enumeration.
constexpr std::array<Row, 22> kRows{{
    {TensorDType::boolean, "BOOL", 8},
    {TensorDType::f4, "F4", 4},
    {TensorDType::f6_e2m3, "F6_E2M3", 6},
    {TensorDType::f6_e3m2, "F6_E3M2", 6},
    {TensorDType::u8, "U8", 8},
    {TensorDType::i8, "I8", 8},
    {TensorDType::f8_e5m2, "F8_E5M2", 8},
    {TensorDType::f8_e4m3, "F8_E4M3", 8},
    {TensorDType::f8_e8m0, "F8_E8M0", 8},
    {TensorDType::f8_e4m3fnuz, "F8_E4M3FNUZ", 8},
    {TensorDType::f8_e5m2fnuz, "F8_E5M2FNUZ", 8},
    {TensorDType::i16, "I16", 16},
    {TensorDType::u16, "U16", 16},
    {TensorDType::f16, "F16", 16},
    {TensorDType::bf16, "BF16", 16},
    {TensorDType::i32, "I32", 32},
    {TensorDType::u32, "U32", 32},
    {TensorDType::f32, "F32", 32},
    {TensorDType::c64, "C64", 64},
    {TensorDType::i64, "I64", 64},
    {TensorDType::u64, "U64", 64},
    {TensorDType::f64, "F64", 64},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].dtype) != i) {
      return false;
    }
  }
  return static_cast<std::size_t>(TensorDType::f64) + 1 == kRows.size();
}
static_assert(in_order());

}  // namespace

int bits_of(TensorDType dtype) noexcept {
  return kRows[static_cast<std::size_t>(dtype)].bits;
}

std::string_view name(TensorDType dtype) noexcept {
  return kRows[static_cast<std::size_t>(dtype)].name;
}

std::optional<TensorDType> parse_tensor_dtype(std::string_view text) noexcept {
  for (const Row& row : kRows) {
    if (row.name == text) {
      return row.dtype;
    }
  }
  return std::nullopt;
}

std::optional<DType> to_dtype(TensorDType dtype) noexcept {
  switch (dtype) {
    case TensorDType::f32:
      return DType::f32;
    case TensorDType::bf16:
      return DType::bf16;
    case TensorDType::f16:
      return DType::f16;
    default:
      return std::nullopt;
  }
}

TensorDType to_tensor_dtype(DType dtype) noexcept {
  switch (dtype) {
    case DType::bf16:
      return TensorDType::bf16;
    case DType::f16:
      return TensorDType::f16;
    case DType::f32:
      break;
  }
  return TensorDType::f32;
}

}  // namespace switchyard::checkpoint
