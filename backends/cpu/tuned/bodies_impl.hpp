// SPDX-License-Identifier: Apache-2.0
// What all instruction sets compile alike, and before their own instructions are allowed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "backends/cpu/bodies.hpp"
#include "backends/host/scratch.hpp"
#include "kernels/activation.hpp"
#include "kernels/elements.hpp"
#include "kernels/expert_rows.hpp"
#include "kernels/gate/reference.hpp"
#include "kernels/gate_up/input_rows.hpp"
#include "switchyard/half.hpp"
#include "switchyard/limits.hpp"

#define SWITCHYARD_LAMBDA __attribute__((always_inline))
