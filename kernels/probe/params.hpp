// SPDX-License-Identifier: Apache-2.0
// The portable probe: every byte of some memory is read once.
#pragma once

#include <cstdint>

#include "kernels/param_block.hpp"

namespace switchyard::kernels {

struct ProbeReadsParams {
  const void* from;     // [16 * num_pieces] bytes
  std::uint32_t* sink;  // [kProbeSinkBytes / 4], one per thread
  std::int64_t num_pieces;
};
static_assert(kIsParamBlock<ProbeReadsParams>);

}  // namespace switchyard::kernels
