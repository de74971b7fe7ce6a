// SPDX-License-Identifier: Apache-2.0
// From here to target_end.hpp functions may use the instructions named by SWITCHYARD_TARGET.
// Everything that other sources compile too is included before: the linker keeps one copy of an
// inline function, which has to run on every processor. No guard: it is meant to be repeated.
#if !defined(SWITCHYARD_TARGET)
#error "SWITCHYARD_TARGET is not defined"
#endif
#define SWITCHYARD_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define SWITCHYARD_BEGIN_TARGET(name) \
  SWITCHYARD_PRAGMA(clang attribute push(__attribute__((target(name))), apply_to = function))
#else
#define SWITCHYARD_BEGIN_TARGET(name) \
  SWITCHYARD_PRAGMA(GCC push_options) SWITCHYARD_PRAGMA(GCC target(name))
#endif
SWITCHYARD_BEGIN_TARGET(SWITCHYARD_TARGET)
