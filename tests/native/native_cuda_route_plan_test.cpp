// SPDX-License-Identifier: Apache-2.0
// CUDA's routing in one launch, by a cluster of blocks or by a grid: plans that are the CPU's,
// whatever the number of experts, on both sides of the numbers of tokens where the launch changes.
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "backends/cuda/sm90/route_plan.hpp"
#include "core/stage_params.hpp"
#include "layer/support/router_case.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/backends/cuda.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

RouterConfig router_of(std::int64_t groups) {
  return groups > 1 ? routers::deepseek_v3(groups, groups / 2, true, 2.5F)
                    : routers::qwen3_moe(true);
}

template <class B>
PlanContent plan_on(Session<B>& session, const LayerCase& layer_case, const CallCase& call,
                    std::byte poison) {
  MoeLayer<B> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  RunOptions options;
  options.poison = poison;
  return run_call(session, layer, call, options).plan;
}

struct Extents {
  std::int64_t experts, top_k, groups;
};
constexpr std::initializer_list<Extents> kRouters{{1, 1, 1},    {33, 5, 1},   {128, 8, 1},
                                                  {128, 64, 8}, {129, 8, 1},  {256, 8, 8},
                                                  {257, 3, 1},  {512, 10, 1}, {512, 64, 8}};

/// Plans of calls one after the other, by CUDA and the CPU.
template <class B>
void check_plans(std::initializer_list<Extents> routers, std::initializer_list<int> token_counts,
                 std::initializer_list<Routing> routings) {
  Session<CpuBackend> cpu;
  Session<B> cuda;
  for (const Extents& extents : routers) {
    const LayerCase layer = router_case(extents.experts, extents.top_k, router_of(extents.groups));
    Random random(98'000);
    for (const std::int64_t tokens : token_counts) {
      for (const Routing routing : routings) {
        INFO("T " << tokens << " E " << extents.experts << " K " << extents.top_k << " groups "
                  << extents.groups << " routing " << static_cast<int>(routing));
        const CallCase call = random_call(random, layer, tokens, routing);
        const PlanContent expected = plan_on(cpu, layer, call, kPoisons[0]);
        for (const std::byte poison : kPoisons)
          CHECK(plan_on(cuda, layer, call, poison) == expected);
      }
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: a cluster plans as the CPU does", "[native][cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>)
    check_plans<CudaBackend>(kRouters, {4, 5, 8, 9, 16, 17, 32, 33, 61, 64, 65, 127, 128, 129},
                             {Routing::logits, Routing::preselected});
}

TEMPLATE_LIST_TEST_CASE("cuda: a grid plans as the CPU does", "[native][cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_plans<CudaBackend>(kRouters,
                             {129, 136, 137, 255, 512, 513, 1000, 1023, 1024, 1025, 2048, 2049},
                             {Routing::logits});
    check_plans<CudaBackend>({{3, 2, 1}, {128, 8, 1}, {256, 8, 8}, {300, 5, 1}},
                             {2112, 4096, 4097, 6001, 8191, 8192, 8193, 300}, {Routing::logits});
  }
}

TEMPLATE_LIST_TEST_CASE("cuda: what blocks leave that others keep waiting is done by those",
                        "[native][cuda]", Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    Session<CudaBackend> session;
    const DeviceInfo& device = session.backend.info();
    const LayerCase layer_case = router_case(128, 8, router_of(1));
    const bool has_kernels =
        session.backend.layout_of({1, 16, 8, false, DType::bf16, DType::bf16}) ==
        WeightLayout::swizzled_tiles;
    if (!has_kernels) return;
    sm90::RoutePlanLimits limits = sm90::prepare_route_plan(device.index, device.compute_units);
    REQUIRE(limits.patience > 0);
    limits.patience = 0;
    sm90::CounterSets counters(device.index);
    // Keeps some of the blocks from the device while the others wait.
    auto neighbour = session.backend.make_stream();
    const auto filled = session.backend.template allocate<std::byte>(std::int64_t{1} << 28U);
    MoeLayer<CudaBackend> layer(session.backend, session.stream, layer_case.config,
                                layer_case.host());
    Random random(97'000);
    for (const std::int64_t tokens : {129, 1000, 2048, 4100, 8192}) {
      session.backend.synchronize(neighbour);
      CallCase call = random_call(random, layer_case, tokens, Routing::logits);
      CallMemory<CudaBackend> memory(session, layer_case.config, call, Placement::slab,
                                     kPoisons[0]);
      const RoutePlan<CudaBackend> plan =
          layer.route(session.stream, memory.inputs(), memory.intermediates(), &memory.route());
      const PlanContent expected = download_plan(session.backend, session.stream, plan);
      const kernels::RoutePlanParams params = core::route_plan_params({layer_case.config,
                                                                       {},
                                                                       memory.inputs(),
                                                                       memory.intermediates(),
                                                                       plan.buffers,
                                                                       plan.block_size});
      for (int turn = 0; turn < 10; ++turn) {
        INFO("T " << tokens << " turn " << turn);
        for (const DeviceSpan<std::byte> buffer : {as_writable_bytes(plan.buffers.selected_ids),
                                                   as_writable_bytes(plan.buffers.pair_weights),
                                                   as_writable_bytes(plan.buffers.pairs_by_token),
                                                   as_writable_bytes(plan.buffers.packed_token_idx),
                                                   as_writable_bytes(plan.buffers.expert_offsets),
                                                   as_writable_bytes(plan.buffers.sorted_tokens),
                                                   as_writable_bytes(plan.buffers.block_ids),
                                                   as_writable_bytes(plan.buffers.total_post_pad)})
          session.backend.fill(session.stream, buffer, kPoisons[1]);
        session.backend.synchronize(session.stream);
        for (int fill = 0; fill < turn; ++fill)
          session.backend.fill(neighbour, filled.span(), kPoisons[0]);
        REQUIRE(sm90::launch_route_plan(device.index, limits, session.stream.native(), params,
                                        counters));
        CHECK(download_plan(session.backend, session.stream, plan) == expected);
      }
    }
  }
}
