// SPDX-License-Identifier: Apache-2.0
// Where the CPU backend puts the elements of expert matrices, by the words of
// switchyard/weight_layout.hpp, and which layout it asks for.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "support/catch.hpp"
#include "support/cpu_bodies.hpp"
#include "support/random.hpp"
#include "support/tensor.hpp"
#include "switchyard/half.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr WeightLayout kPacked[] = {WeightLayout::panels8, WeightLayout::panels16,
                                    WeightLayout::panels32, WeightLayout::pair_tiles,
                                    WeightLayout::pairs32};

/// An element's indices in the array of its layout.
struct Place {
  std::vector<std::int64_t> extents;
  std::vector<std::int64_t> at;

  [[nodiscard]] std::int64_t index() const {
    std::int64_t index = 0;
    for (std::size_t i = 0; i < at.size(); ++i) index = index * extents[i] + at[i];
    return index;
  }
  [[nodiscard]] std::int64_t size() const {
    std::int64_t size = 1;
    for (const std::int64_t extent : extents) size *= extent;
    return size;
  }
};

/// Where the element (row, k) of an expert lies.
Place place_of(WeightLayout layout, const ExpertMatrices& m, std::int64_t expert, std::int64_t row,
               std::int64_t k) {
  const std::map<WeightLayout, std::int64_t> all_columns{{WeightLayout::panels8, 8},
                                                         {WeightLayout::panels16, 16},
                                                         {WeightLayout::panels32, 32},
                                                         {WeightLayout::pair_tiles, 32},
                                                         {WeightLayout::pairs32, 32}};
  const std::int64_t columns = all_columns.at(layout);
  const std::int64_t features = m.has_gate ? columns / 2 : columns;  // of a panel
  const std::int64_t num_features = m.has_gate ? m.num_rows / 2 : m.num_rows;
  const std::int64_t panels = (num_features + features - 1) / features;
  const bool up = m.has_gate && row >= num_features;
  const std::int64_t feature = up ? row - num_features : row;
  const std::int64_t panel = feature / features;
  const std::int64_t column = feature % features + (up ? features : 0);
  if (layout == WeightLayout::pair_tiles)
    return {{m.num_experts, panels, (m.width + 31) / 32, 2, 16, 16, 2},
            {expert, panel, k / 32, column / 16, k % 32 / 2, column % 16, k % 2}};
  if (layout == WeightLayout::pairs32)
    return {{m.num_experts, panels, (m.width + 1) / 2, 32, 2},
            {expert, panel, k / 2, column, k % 2}};
  if (m.dtype == DType::bf16)
    return {{m.num_experts, panels, m.width, columns / 2, 2},
            {expert, panel, k, column % (columns / 2), column / (columns / 2)}};
  return {{m.num_experts, panels, m.width, columns}, {expert, panel, k, column}};
}

/// The tensor in a layout; zeros where it has no element.
std::vector<std::byte> laid_out(WeightLayout layout, const ExpertMatrices& m,
                                const HostTensor& tensor) {
  const std::size_t bytes = size_of(m.dtype);
  std::vector<std::byte> all(static_cast<std::size_t>(place_of(layout, m, 0, 0, 0).size()) * bytes);
  std::size_t from = 0;
  for (std::int64_t expert = 0; expert < m.num_experts; ++expert)
    for (std::int64_t row = 0; row < m.num_rows; ++row)
      for (std::int64_t k = 0; k < m.width; ++k, from += bytes) {
        const auto to = static_cast<std::size_t>(place_of(layout, m, expert, row, k).index());
        std::memcpy(all.data() + to * bytes, tensor.bytes.data() + from, bytes);
      }
  return all;
}

}  // namespace

TEST_CASE("elements of repacked matrices lie where their layout says", "[cpu][layout]") {
  Session<CpuBackend> session{make_cpu(CpuBodies::automatic)};
  Random random(78);
  const ExpertMatrices shapes[] = {
      {3, 2 * 37, 66, true}, {2, 70, 33, false}, {1, 2 * 5, 3, true}, {2, 64, 129, false}};
  for (ExpertMatrices matrices : shapes)
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
      for (const WeightLayout layout : kPacked) {
        const bool pairs = layout == WeightLayout::pair_tiles || layout == WeightLayout::pairs32;
        if (pairs && dtype != DType::bf16) continue;
        INFO(matrices.num_rows << " rows of " << matrices.width << ", " << name(dtype)
                               << ", layout " << static_cast<int>(layout));
        matrices.dtype = dtype;
        std::vector<double> values(
            static_cast<std::size_t>(matrices.num_experts * matrices.num_rows * matrices.width));
        for (double& value : values) value = random.normal();
        const Tensor tensor(std::move(values), dtype,
                            {matrices.num_experts, matrices.num_rows, matrices.width});
        const std::vector<std::byte> expected = laid_out(layout, matrices, tensor.view());
        REQUIRE(session.backend.packed_bytes(matrices, layout) == expected.size());
        const auto memory = session.backend.allocate<std::byte>(expected.size());
        session.backend.fill(session.stream, memory.span(), std::byte{0xa5});
        session.backend.repack(session.stream, memory.span(), matrices, layout, tensor.view());
        CHECK(session.download(memory.span()) == expected);
      }
}

TEST_CASE("matrices lie in pairs where bodies multiply pairs of bf16", "[cpu][layout]") {
  const ExpertMatrices even{2, 64, 66, true, DType::bf16, DType::bf16};
  const ExpertMatrices odd{2, 64, 65, true, DType::bf16, DType::bf16};
  const ExpertMatrices mixed{2, 64, 66, true, DType::bf16, DType::f32};
  for (const CpuBodies bodies : tuned_bodies()) {
    INFO(name(bodies));
    const auto backend = make_cpu(bodies);
    const WeightLayout plain = backend->layout_of(mixed);
    CHECK((plain != WeightLayout::pair_tiles && plain != WeightLayout::pairs32));
    const bool tiles = bodies == CpuBodies::amx;
    const bool dots = bodies == CpuBodies::avx512_bf16;
    CHECK(backend->layout_of(even) ==
          (tiles ? WeightLayout::pair_tiles : (dots ? WeightLayout::pairs32 : plain)));
    CHECK(backend->layout_of(odd) == (tiles ? WeightLayout::pair_tiles : plain));
  }
}
