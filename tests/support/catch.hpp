// SPDX-License-Identifier: Apache-2.0
// Catch2, version 2 or 3: SWITCHYARD_CATCH2_MAJOR is the one that the build found.
#pragma once

#if SWITCHYARD_CATCH2_MAJOR >= 3
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
