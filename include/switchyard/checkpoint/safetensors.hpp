// SPDX-License-Identifier: Apache-2.0
/// \file
/// A strict reader of one safetensors file, and a small writer.
#pragma once
// SafetensorsFile::open(path) [memory-mapped], .names(), .find(name) -> const TensorEntry* {name, dtype
// (closed list of the format: BOOL U8 I8 F8_E5M2 F8_E4M3 I16 U16 F16 BF16 I32 U32 F32 I64 U64 F64), shape,
// bytes span}, .metadata() -> sorted map<string,string>; write_safetensors(path, tensors, metadata).
