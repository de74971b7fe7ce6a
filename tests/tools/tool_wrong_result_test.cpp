// SPDX-License-Identifier: Apache-2.0
// The benchmark on a backend that computes wrongly.
#include <cstddef>
#include <type_traits>

#include "bench_run.hpp"
#include "core/moe_layer_impl.hpp"
#include "kernels/combine/params.hpp"
#include "profiling_backend.hpp"
#include "support/catch.hpp"

namespace switchyard::test {

// The CPU, but for one element of the output.
class BrokenBackend : public CpuBackend {
 public:
  using CpuBackend::CpuBackend;

  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params) {
    CpuBackend::launch<Stage>(stream, config, params);
    if constexpr (std::is_same_v<Stage, kernels::Combine>) {
      fill(stream, {static_cast<std::byte*>(params.output), sizeof(float)}, std::byte{0x40});
    }
  }
};

using ProfiledBroken = tools::ProfilingBackend<BrokenBackend>;

}  // namespace switchyard::test

template class switchyard::MoeLayer<switchyard::test::ProfiledBroken>;
template class switchyard::MoeScratch<switchyard::test::ProfiledBroken>;

using namespace switchyard;
using namespace switchyard::tools;

TEST_CASE("bench: a wrong result ends the run, and no speed is printed") {
  BenchRequest request;
  request.shape = *find_model_shape("qwen3-30b-a3b");
  request.shape.config.hidden_size = 32;
  request.shape.config.intermediate_size = 16;
  request.tokens = {3, 5};
  request.runs = 1;
  request.weight_sets = 1;
  request.ceilings = Ceilings{1e9, 1e9};

  const BenchResult right = BenchRun<CpuBackend>(request).run();
  CHECK(right.fault.empty());
  CHECK(right.cells.size() == 2);
  CHECK(bench_outcome(request, right, "csv").status == ExitStatus::right);

  const BenchResult wrong = BenchRun<switchyard::test::BrokenBackend>(request).run();
  CHECK(wrong.fault.find("wrong result with 3 tokens: rel_error of token 0 is") == 0);
  REQUIRE(wrong.cells.size() == 1);
  CHECK(wrong.cells[0].layer_us.count == 0);
  const CommandResult outcome = bench_outcome(request, wrong, "csv");
  CHECK(outcome.status == ExitStatus::wrong);
  CHECK(outcome.output.empty());
}
