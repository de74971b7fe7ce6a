// SPDX-License-Identifier: Apache-2.0
// Functions between SWITCHYARD_BEGIN_TARGET("avx2,fma") and SWITCHYARD_END_TARGET may use these
// instructions. What other sources compile too is included before: the linker keeps one copy of an
// inline function, which has to run on every processor.
#pragma once

#define SWITCHYARD_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define SWITCHYARD_BEGIN_TARGET(instructions) \
  SWITCHYARD_PRAGMA(                          \
      clang attribute push(__attribute__((target(instructions))), apply_to = function))
#define SWITCHYARD_END_TARGET SWITCHYARD_PRAGMA(clang attribute pop)
#else
#define SWITCHYARD_BEGIN_TARGET(instructions) \
  SWITCHYARD_PRAGMA(GCC push_options) SWITCHYARD_PRAGMA(GCC target(instructions))
#define SWITCHYARD_END_TARGET SWITCHYARD_PRAGMA(GCC pop_options)
#endif
