// SPDX-License-Identifier: Apache-2.0
// Ends what target_begin.hpp began.
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef SWITCHYARD_BEGIN_TARGET
#undef SWITCHYARD_PRAGMA
