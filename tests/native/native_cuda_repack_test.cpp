// SPDX-License-Identifier: Apache-2.0
// CUDA's own layout: what repack writes, and which bodies a backend runs.
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"
#include "switchyard/backends/cuda.hpp"
#include "switchyard/half.hpp"
#include "switchyard/swizzled_tiles.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// What repack writes, in host arithmetic: element by element, by the layout's own formula, which
/// swizzled_tiles_test checks.
template <class To>
std::vector<std::byte> repacked(const ExpertMatrices& matrices, const Tensor& from) {
  const SwizzledTiles tiles = SwizzledTiles::of(matrices);
  std::vector<std::byte> bytes(
      static_cast<std::size_t>(matrices.num_experts * tiles.expert_bytes()));
  std::size_t i = 0;
  for (std::int64_t expert = 0; expert < matrices.num_experts; ++expert)
    for (std::int64_t row = 0; row < matrices.num_rows; ++row)
      for (std::int64_t column = 0; column < matrices.width; ++column) {
        const To element(static_cast<float>(from.values()[i++]));
        std::memcpy(bytes.data() + tiles.element_offset(expert, row, column), &element.bits, 2);
      }
  return bytes;
}

void check_repack() {
  Session<CudaBackend> session;
  Random random(77);
  const ExpertMatrices shapes[] = {{3, 2 * 136, 72, true}, {2, 264, 200, false},
                                   {1, 2 * 5, 3, true},    {5, 512, 128, true},
                                   {2, 257, 65, false},    {1, 2 * 8, 70'000, true}};
  for (ExpertMatrices matrices : shapes)
    for (const DType from : {DType::f32, DType::bf16, DType::f16})
      for (const DType to : {DType::bf16, DType::f16}) {
        INFO(matrices.num_rows << " rows of " << matrices.width << ", " << name(from) << " to "
                               << name(to));
        matrices.dtype = to;
        const auto count =
            static_cast<std::size_t>(matrices.num_experts * matrices.num_rows * matrices.width);
        std::vector<double> values(count);
        for (double& value : values) value = random.normal() * (random.chance(0.1) ? 1e-6 : 1.0);
        const Tensor tensor(std::move(values), from,
                            {matrices.num_experts, matrices.num_rows, matrices.width});
        const auto memory = session.backend.allocate<std::byte>(
            session.backend.packed_bytes(matrices, WeightLayout::swizzled_tiles));
        session.backend.fill(session.stream, memory.span(), std::byte{0xa5});
        session.backend.repack(session.stream, memory.span(), matrices,
                               WeightLayout::swizzled_tiles, tensor.view());
        const std::vector<std::byte> got = session.download(memory.span());
        CHECK((got == (to == DType::bf16 ? repacked<bf16>(matrices, tensor)
                                         : repacked<f16>(matrices, tensor))));
      }
}

void check_bodies() {
  GpuOptions options;
  options.bodies = static_cast<GpuBodies>(2);
  expect_error([&] { CudaBackend{options}; }, ErrorCode::invalid_argument,
               "options.bodies is 2, must be an enumerator in [0, 1]");
  options.bodies = GpuBodies::portable;
  for (const int wrong : {-1, 0, 3}) {
    options.product_cluster = wrong;
    expect_error([&] { CudaBackend{options}; }, ErrorCode::invalid_argument,
                 "options.product_cluster is " + std::to_string(wrong) + ", must be 1 or 2");
  }
  options.product_cluster.reset();
  const ExpertMatrices matrices{8, 256, 64, true, DType::bf16, DType::bf16};
  CHECK(CudaBackend(options).layout_of(matrices) == WeightLayout::rows);
  const WeightLayout own = CudaBackend().layout_of(matrices);
  ScopedEnvironment environment("SWITCHYARD_GPU_BODIES", "portable");
  CHECK(CudaBackend().layout_of(matrices) == WeightLayout::rows);
  environment.set("");
  CHECK(CudaBackend().layout_of(matrices) == own);
  environment.set("automatic");
  CHECK(CudaBackend().layout_of(matrices) == own);
  environment.set("tuned");
  expect_error([] { CudaBackend{}; }, ErrorCode::invalid_argument,
               "environment variable SWITCHYARD_GPU_BODIES is 'tuned', must be automatic or "
               "portable");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cuda: expert matrices are repacked into swizzled tiles", "[native]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_repack();
  } else {
    SUCCEED("another backend");
  }
}

TEMPLATE_LIST_TEST_CASE("cuda: bodies have names, in options and in the environment", "[native]",
                        Backends) {
  if constexpr (std::is_same_v<TestType, CudaBackend>) {
    check_bodies();
  } else {
    SUCCEED("another backend");
  }
}
