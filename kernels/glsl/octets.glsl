// SPDX-License-Identifier: Apache-2.0
// Elements eight at a time, in loads and stores of 16 bytes, for bodies that are specialised to
// their dtypes. An octet starts at an address that 16 divides.
layout(constant_id = 3) const uint kActivationDtype = 1;
layout(constant_id = 4) const uint kWeightDtype = 1;

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer VectorAt { uvec4 value; };

uint64_t element_bytes(uint dtype) { return dtype == kF32 ? 4ul : 2ul; }

/// Eight elements as they lie in memory; those of 16 bits leave `high` alone.
struct Octet {
  uvec4 low;
  uvec4 high;
};

Octet load_octet(uint dtype, uint64_t address) {
  Octet octet;
  octet.low = VectorAt(address).value;
  octet.high = dtype == kF32 ? VectorAt(address + 16ul).value : uvec4(0u);
  return octet;
}

/// Element i.
float widen(uint dtype, Octet octet, int i) {
  if (dtype == kF32) return uintBitsToFloat(i < 4 ? octet.low[i] : octet.high[i - 4]);
  const uint word = octet.low[i / 2];
  if (dtype == kBf16)
    return uintBitsToFloat(i % 2 == 0 ? word << 16 : word & 0xffff0000u);
  const vec2 both = unpackHalf2x16(word);
  return i % 2 == 0 ? both.x : both.y;
}

/// Stores two elements of kActivationDtype, one of 16 bits, at element i of base, which is even.
void store_pair_of(uint64_t base, int64_t i, vec2 values) {
  const bool is_bf16 = kActivationDtype == kBf16;
  const uint low = is_bf16 ? bf16_of_float(values.x) : f16_of_float(values.x);
  const uint high = is_bf16 ? bf16_of_float(values.y) : f16_of_float(values.y);
  WordAt(base + uint64_t(i) * 2ul).value = low | (high << 16);
}
