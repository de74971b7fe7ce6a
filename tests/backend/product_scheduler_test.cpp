// SPDX-License-Identifier: Apache-2.0
// How the tuned matrix products of CUDA deal tiles to blocks, and how they are laid out.
#include "kernels/sm90/product/scheduler.hpp"

#include <algorithm>
#include <array>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "kernels/sm90/product/selection.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

using namespace switchyard;
using namespace switchyard::kernels::sm90;
using switchyard::test::Random;
using Scheduler = ProductScheduler<OneLane>;

namespace {

/// A launch, as what is wrong with its items is told by.
struct Launch {
  std::vector<PackedRow> offsets;
  std::int32_t row_tiles;
  std::int32_t cluster_size;
  std::int32_t num_clusters;

  [[nodiscard]] std::int32_t experts() const {
    return static_cast<std::int32_t>(offsets.size()) - 1;
  }
  [[nodiscard]] std::string fault(const ProductItem& item) const {
    if (item.expert < 0 || item.expert >= experts()) return "no such expert";
    if (item.row_tile < 0 || item.row_tile >= row_tiles) return "no such tile";
    if (item.num_rows < 0 || item.num_rows > ProductShape::kMaxRows) return "rows out of range";
    const auto e = static_cast<std::size_t>(item.expert);
    if (item.num_rows > 0 && (item.first_row < value_of(offsets[e]) ||
                              item.first_row + item.num_rows > value_of(offsets[e + 1])))
      return "rows of another expert";
    return "";
  }
};

/// What is wrong with the items of all blocks of a launch, or nothing: each row of each expert
/// meets each tile of its weights once, the blocks of a cluster work on one tile at a time where
/// they share it, and no item is larger than a block can compute. Clusters take items in turns, or
/// any of them the next.
std::string fault(const Launch& launch, Random* order) {
  const auto width = static_cast<std::size_t>(launch.row_tiles);
  std::vector<int> met(static_cast<std::size_t>(value_of(launch.offsets.back())) * width);
  std::vector<std::vector<Scheduler>> blocks(static_cast<std::size_t>(launch.num_clusters));
  for (auto& cluster : blocks)
    for (std::int32_t rank = 0; rank < launch.cluster_size; ++rank)
      cluster.emplace_back(launch.offsets.data(), launch.experts(), launch.row_tiles,
                           Scheduler::Place{launch.cluster_size, rank});
  for (std::int32_t number = 0;; ++number) {
    const std::int64_t cluster =
        order == nullptr ? number % launch.num_clusters : order->in(0, launch.num_clusters - 1);
    std::vector<ProductItem> items;
    for (Scheduler& block : blocks[static_cast<std::size_t>(cluster)]) {
      ProductItem item;
      if (!block.find(number, item)) continue;
      items.push_back(item);
      const std::string wrong = launch.fault(item);
      if (!wrong.empty()) return wrong;
      for (std::int32_t row = item.first_row; row < item.first_row + item.num_rows; ++row)
        ++met[static_cast<std::size_t>(row) * width + static_cast<std::size_t>(item.row_tile)];
    }
    if (items.empty()) break;
    if (items.size() != static_cast<std::size_t>(launch.cluster_size))
      return "blocks of a cluster have unequal work";
    for (const ProductItem& other : items)
      if (other.expert != items[0].expert || other.shares_weights != items[0].shares_weights ||
          (other.shares_weights && other.row_tile != items[0].row_tile))
        return "blocks of a cluster work on different tiles";
  }
  for (const int times : met)
    if (times != 1) return "a row meets a tile " + std::to_string(times) + " times";
  return "";
}

std::vector<PackedRow> offsets_of(const std::vector<std::int32_t>& rows) {
  std::vector<PackedRow> offsets{PackedRow{0}};
  for (const std::int32_t count : rows)
    offsets.push_back(PackedRow{value_of(offsets.back()) + count});
  return offsets;
}

/// Lanes that are threads, as a warp's are: each calls each function.
struct ThreadLanes {
  static constexpr int kLanes = 4;

  static int lane() { return own_lane(); }
  static std::int32_t shuffle(std::int32_t value, int from) {
    return exchange(value)[static_cast<std::size_t>(from)];
  }
  static int first(bool condition) {
    const std::array<std::int32_t, kLanes> all = exchange(condition ? 1 : 0);
    const auto found = std::find(all.begin(), all.end(), 1);
    return found == all.end() ? -1 : static_cast<int>(found - all.begin());
  }

  /// Runs `body` in every lane.
  template <class Body>
  static void run(Body body) {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kLanes; ++i)
      threads.emplace_back([i, &body] {
        own_lane() = i;
        body();
      });
  }

 private:
  static int& own_lane() {
    static thread_local int lane = 0;
    return lane;
  }
  /// What all lanes bring.
  static std::array<std::int32_t, kLanes> exchange(std::int32_t value) {
    static std::barrier<> meeting(kLanes);
    static std::array<std::int32_t, kLanes> brought;
    brought[static_cast<std::size_t>(lane())] = value;
    meeting.arrive_and_wait();
    const std::array<std::int32_t, kLanes> all = brought;
    meeting.arrive_and_wait();
    return all;
  }
};

/// The items of a block of a launch, every `stride`-th from `first` on.
template <class Lanes>
std::vector<std::array<std::int32_t, 4>> items_of(const Launch& launch, std::int32_t rank,
                                                  std::int32_t first, std::int32_t stride) {
  ProductScheduler<Lanes> scheduler(launch.offsets.data(), launch.experts(), launch.row_tiles,
                                    {launch.cluster_size, rank});
  std::vector<std::array<std::int32_t, 4>> items;
  ProductItem item;
  for (std::int32_t number = first; scheduler.find(number, item); number += stride)
    items.push_back({item.expert, item.row_tile, item.first_row, item.num_rows});
  return items;
}

}  // namespace

TEST_CASE("lanes that run a scheduler together find the items that one finds", "[scheduler]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    Random random(50'000 + seed);
    std::vector<std::int32_t> rows(static_cast<std::size_t>(random.in(1, 30)));
    for (std::int32_t& count : rows)
      if (random.chance(0.6)) count = static_cast<std::int32_t>(random.in(0, 500));
    const Launch launch{offsets_of(rows), static_cast<std::int32_t>(random.in(1, 5)),
                        static_cast<std::int32_t>(random.in(1, 2)),
                        static_cast<std::int32_t>(random.in(1, 40))};
    const auto cluster = static_cast<std::int32_t>(random.in(0, launch.num_clusters - 1));
    const auto rank = static_cast<std::int32_t>(random.in(0, launch.cluster_size - 1));
    const auto expected = items_of<OneLane>(launch, rank, cluster, launch.num_clusters);
    std::vector<std::vector<std::array<std::int32_t, 4>>> found(ThreadLanes::kLanes);
    ThreadLanes::run([&] {
      found[static_cast<std::size_t>(ThreadLanes::lane())] =
          items_of<ThreadLanes>(launch, rank, cluster, launch.num_clusters);
    });
    for (const auto& items : found) CHECK(items == expected);
  }
}

TEST_CASE("blocks of a tuned product compute each tile of each row once", "[scheduler]") {
  for (const std::int32_t cluster_size : {1, 2})
    for (std::int32_t rows = 0; rows <= 700; ++rows) {
      INFO(rows << " rows, clusters of " << cluster_size);
      CHECK(fault({offsets_of({rows}), 2, cluster_size, 3}, nullptr) == "");
    }
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    Random random(40'000 + seed);
    std::vector<std::int32_t> rows(static_cast<std::size_t>(random.in(1, 40)));
    for (std::int32_t& count : rows)
      if (random.chance(0.8))
        count =
            static_cast<std::int32_t>(random.chance(0.1) ? random.in(0, 2000) : random.in(0, 90));
    const Launch launch{offsets_of(rows), static_cast<std::int32_t>(random.in(1, 9)),
                        static_cast<std::int32_t>(random.in(1, 2)),
                        static_cast<std::int32_t>(random.in(1, 132))};
    CHECK(fault(launch, nullptr) == "");
    CHECK(fault(launch, &random) == "");
  }
}

TEST_CASE("an expert wastes less than a unit of rows", "[scheduler]") {
  for (std::int32_t rows = 1; rows <= 2000; ++rows) {
    const std::vector<PackedRow> offsets = offsets_of({rows});
    Scheduler scheduler(offsets.data(), 1, 1, {1, 0});
    std::int32_t computed = 0;
    std::int32_t fewest = ProductShape::kMaxUnits;
    std::int32_t most = 0;
    ProductItem item;
    for (std::int32_t number = 0; scheduler.find(number, item); ++number) {
      computed += units_of(item) * ProductShape::kUnitRows;
      fewest = std::min(fewest, units_of(item));
      most = std::max(most, units_of(item));
    }
    CHECK(computed - rows < ProductShape::kUnitRows);
    CHECK(most - fewest <= 1);
  }
}

TEST_CASE(
    "blocks of a cluster share a tile of weights where an expert has more than a slice of rows",
    "[scheduler]") {
  for (const std::int32_t rows : {1, 159, 160, 161, 320, 321}) {
    INFO(rows << " rows");
    const Launch launch{offsets_of({rows}), 3, 2, 1};
    std::int32_t number = 0;
    std::array<ProductItem, 2> items{};
    Scheduler first(launch.offsets.data(), 1, 3, {2, 0});
    Scheduler second(launch.offsets.data(), 1, 3, {2, 1});
    for (; first.find(number, items[0]) && second.find(number, items[1]); ++number) {
      CHECK(items[0].shares_weights == (rows > 160));
      CHECK(items[1].shares_weights == (rows > 160));
      const bool last = rows <= 160 && number == 1;  // of three tiles, two to an item
      CHECK((items[1].num_rows == 0) == last);
    }
    CHECK(number == (rows <= 160 ? 2 : (rows <= 320 ? 3 : 6)));
  }
}

TEST_CASE("tuned products are laid out by the rows per expert", "[scheduler]") {
  const auto cluster = [](std::int64_t rows_per_expert) {
    return choose_product(128 * rows_per_expert, 128).cluster;
  };
  CHECK(cluster(0) == 1);
  CHECK(cluster(160) == 1);
  CHECK(choose_product(128 * 160, 128).weights == L2Keep::evict_first);
  CHECK(choose_product(128 * 160, 128).rows == L2Keep::evict_last);
  CHECK(cluster(161) == 2);
  CHECK(choose_product(128 * 161, 128).weights == L2Keep::normal);
  CHECK(choose_product(128 * 161, 128).rows == L2Keep::normal);
  CHECK(cluster(800) == 2);
  CHECK(choose_product(std::int64_t{1} << 31U, 1).cluster == 2);
  CHECK(choose_product(128 * 7, 128).guessed_stages == 0);
  CHECK(choose_product(128 * 8, 128).guessed_stages == 4);
  CHECK(choose_product(128 * 161, 128).guessed_stages == 4);
}

TEST_CASE("hidden states are packed where experts are wide and have many rows", "[scheduler]") {
  CHECK(packs_hidden_states(8 * 161, 8, 4096));
  CHECK_FALSE(packs_hidden_states(8 * 160, 8, 4096));
  CHECK_FALSE(packs_hidden_states(8 * 161, 8, 4095));
  CHECK(packs_hidden_states(std::int64_t{1} << 31U, 1, 14336));
  CHECK_FALSE(packs_hidden_states(0, 8, 14336));
}

TEST_CASE("down waits for the whole of gate_up where an expert has many rows", "[scheduler]") {
  CHECK(begins_by_expert(0, 128));
  CHECK(begins_by_expert(128 * 799, 128));
  CHECK_FALSE(begins_by_expert(128 * 800, 128));
  CHECK_FALSE(begins_by_expert(std::int64_t{1} << 31U, 1));
}
