// SPDX-License-Identifier: Apache-2.0
/// \file
/// Symbol visibility. Everything is hidden by default; what users may call is marked
/// SWITCHYARD_API.
#pragma once

#if defined(_WIN32)
#define SWITCHYARD_API
#else
#define SWITCHYARD_API __attribute__((visibility("default")))
#endif
