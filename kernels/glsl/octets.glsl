// SPDX-License-Identifier: Apache-2.0
// Elements eight at a time, in loads of 16 bytes, for bodies that are compiled once for each dtype,
// SWITCHYARD_DTYPE, which activations and weights have in common. An octet starts at an address that
// 16 divides.
const uint kDtype = SWITCHYARD_DTYPE;

layout(buffer_reference, scalar, buffer_reference_align = 16) buffer VectorAt { uvec4 value; };

#if SWITCHYARD_DTYPE == 0  // f32

const uint64_t kElementBytes = 4ul;

/// Eight elements as they lie in memory.
struct Octet {
  uvec4 low;
  uvec4 high;
};

Octet load_octet(uint64_t address) {
  return Octet(VectorAt(address).value, VectorAt(address + 16ul).value);
}

/// Element i.
float widen(Octet octet, int i) {
  return uintBitsToFloat(i < 4 ? octet.low[i] : octet.high[i - 4]);
}

#else  // 16 bits

const uint64_t kElementBytes = 2ul;

/// Eight elements as they lie in memory.
struct Octet {
  uvec4 words;
};

Octet load_octet(uint64_t address) { return Octet(VectorAt(address).value); }

/// Element i.
float widen(Octet octet, int i) {
  const uint word = octet.words[i / 2];
#if SWITCHYARD_DTYPE == 1  // bf16
  return uintBitsToFloat(i % 2 == 0 ? word << 16 : word & 0xffff0000u);
#else
  const vec2 both = unpackHalf2x16(word);
  return i % 2 == 0 ? both.x : both.y;
#endif
}

/// Stores two elements at element i of base, which is even.
void store_pair(uint64_t base, int64_t i, vec2 values) {
#if SWITCHYARD_DTYPE == 1
  const uint word = bf16_of_float(values.x) | (bf16_of_float(values.y) << 16);
#else
  const uint word = f16_of_float(values.x) | (f16_of_float(values.y) << 16);
#endif
  WordAt(base + uint64_t(i) * 2ul).value = word;
}

#endif
