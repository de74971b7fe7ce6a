// SPDX-License-Identifier: Apache-2.0
// Access to device memory by address, for the GLSL bodies. Parameter blocks hold addresses as
// 64-bit integers, 0 for null. Included first: it names the extensions.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_control_flow_attributes : require

layout(buffer_reference, scalar, buffer_reference_align = 4) coherent buffer IntAt { int value; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer WordAt { uint value; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer HalfAt { uint16_t value; };

int load_int(uint64_t base, int64_t i) { return IntAt(base + uint64_t(i) * 4ul).value; }
void store_int(uint64_t base, int64_t i, int value) { IntAt(base + uint64_t(i) * 4ul).value = value; }

uint load_word(uint64_t base, int64_t i) { return WordAt(base + uint64_t(i) * 4ul).value; }
void store_word(uint64_t base, int64_t i, uint value) {
  WordAt(base + uint64_t(i) * 4ul).value = value;
}
float load_float(uint64_t base, int64_t i) { return uintBitsToFloat(load_word(base, i)); }
void store_float(uint64_t base, int64_t i, float value) {
  store_word(base, i, floatBitsToUint(value));
}

/// Tokens alive in a call of num_tokens: the count on the device, clamped, or all.
int live_count(uint64_t live_tokens, int num_tokens) {
  return live_tokens == 0ul ? num_tokens : clamp(load_int(live_tokens, 0l), 0, num_tokens);
}

/// value / divisor for value >= 0, in 32 bits where that is enough.
int64_t quotient(int64_t value, int divisor) {
  if ((value >> 32) == 0l) return int64_t(uint(value) / uint(divisor));
  return value / int64_t(divisor);
}

int64_t ceil_div(int64_t value, int divisor) {
  return quotient(value + int64_t(divisor - 1), divisor);
}
