// SPDX-License-Identifier: Apache-2.0
// CUDA's whole layer in one kernel, where the device has it: random layers and calls beside the CPU
// backend and the oracle.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <type_traits>

#include "native/support/fused_and_cpu.hpp"
#include "native/support/fused_draws.hpp"
#include "support/all_cores.hpp"
#include "support/catch.hpp"
#include "support/scale.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::int64_t kCallsPerLayer = 4;

/// What is wrong with random layer number `i` and its calls; counts those that ran as one kernel.
std::string check_layer(std::int64_t i, std::atomic<std::int64_t>& fused) {
  Random random(9'600'000 + static_cast<std::uint64_t>(i));
  const LayerCase layer = random_layer_of(random, random_extents(random));
  FusedAndCpu both(layer);
  for (std::int64_t j = 0; j < kCallsPerLayer; ++j) {
    const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
    const CallCase call = random_call(random, layer, random_tokens(random, layer.config), routing);
    const RunOptions options{true, random.pick({Placement::slab, Placement::separate}),
                             kPoisons[static_cast<std::size_t>(i + j) % std::size(kPoisons)]};
    fused += both.fuses(call) ? 1 : 0;
    const std::string wrong = both.check(random, call, options);
    if (!wrong.empty())
      return "call " + std::to_string(j) + ": " + wrong + "; T " + std::to_string(call.num_tokens) +
             " " + describe(layer.config);
  }
  return "";
}

void check_random_calls() {
  const std::int64_t layers = scaled(500);
  std::atomic<std::int64_t> fused{0};
  CHECK(check_on_all_cores(layers, [&](std::int64_t i) { return check_layer(i, fused); }) == "");
  if (fused == 0) WARN("this device has no kernel for the whole layer");
  CHECK((fused == 0 || fused == layers * kCallsPerLayer));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: random calls of the whole layer in one kernel",
                        "[native][fused_layer_cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_random_calls();
  } else {
    SUCCEED("another backend");
  }
}
