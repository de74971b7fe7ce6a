// SPDX-License-Identifier: Apache-2.0
#include "elements.hpp"

#include <cstring>

#include "switchyard/half.hpp"

namespace switchyard::tools {
namespace {

template <class T>
float load_as(const std::byte* from) {
  T stored;
  std::memcpy(&stored, from, sizeof(T));
  return static_cast<float>(stored);
}

template <class T>
void store_as(std::byte* to, float value) {
  const T stored(value);
  std::memcpy(to, &stored, sizeof(T));
}

}  // namespace

float load_element(std::span<const std::byte> bytes, DType dtype, std::size_t index) {
  const std::byte* from = bytes.data() + index * size_of(dtype);
  switch (dtype) {
    case DType::bf16:
      return load_as<bf16>(from);
    case DType::f16:
      return load_as<f16>(from);
    case DType::f32:
      break;
  }
  return load_as<float>(from);
}

void store_element(std::span<std::byte> bytes, DType dtype, std::size_t index, float value) {
  std::byte* to = bytes.data() + index * size_of(dtype);
  switch (dtype) {
    case DType::bf16:
      return store_as<bf16>(to, value);
    case DType::f16:
      return store_as<f16>(to, value);
    case DType::f32:
      break;
  }
  store_as<float>(to, value);
}

std::vector<std::byte> to_bytes(std::span<const float> values, DType dtype) {
  std::vector<std::byte> bytes(values.size() * size_of(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    store_element(bytes, dtype, i, values[i]);
  }
  return bytes;
}

std::vector<float> to_floats(std::span<const std::byte> bytes, DType dtype) {
  std::vector<float> values(bytes.size() / size_of(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = load_element(bytes, dtype, i);
  }
  return values;
}

}  // namespace switchyard::tools
