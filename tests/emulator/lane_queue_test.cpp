// SPDX-License-Identifier: Apache-2.0
// The queues of candidates of a lane draw the greatest key first and equal ones in the order of
// their places, whatever is drawn and whatever is not.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/route/simt_lane_queue.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

struct Candidate {
  std::uint32_t key;
  int place;
};

/// A queue that remembers its draws, numbers and places, has these.
template <class Queue>
void check_draws(const Queue& queue, const std::vector<std::pair<std::int32_t, int>>& expected) {
  if constexpr (requires { queue.count(); }) {
    std::vector<std::pair<std::int32_t, int>> draws;
    queue.for_draws([&](std::int32_t k, int place) { draws.emplace_back(k, place); });
    std::sort(draws.begin(), draws.end());
    REQUIRE(draws == expected);
    REQUIRE(queue.count() == static_cast<int>(expected.size()));
  }
}

template <class Queue, int Count>
void check_queue() {
  Random random(Count);
  for (int round = 0; round < 500; ++round) {
    std::uint32_t keys[Count];
    std::array<Candidate, Count> expected;
    for (int j = 0; j < Count; ++j) {
      keys[j] = random.chance(0.5) ? static_cast<std::uint32_t>(random.in(1, 3))
                                   : static_cast<std::uint32_t>(random.bits() >> 33U) + 0x7fffffffU;
      expected[static_cast<std::size_t>(j)] = {keys[j], j};
    }
    std::sort(expected.begin(), expected.end(), [](const Candidate& a, const Candidate& b) {
      return a.key != b.key ? a.key > b.key : a.place < b.place;
    });
    Queue queue(keys);
    std::vector<std::pair<std::int32_t, int>> draws;
    std::int32_t k = static_cast<std::int32_t>(random.in(0, 20));
    for (const Candidate& next : expected) {
      while (random.chance(0.3)) queue.draw_if(false, k++);
      REQUIRE(queue.key() == next.key);
      REQUIRE(queue.place() == next.place);
      check_draws(queue, draws);
      draws.emplace_back(k, next.place);
      queue.draw_if(true, k++);
    }
    REQUIRE(queue.key() == 0);
    check_draws(queue, draws);
  }
}

}  // namespace

TEST_CASE("a lane draws its candidates the best first", "[emulator]") {
  check_queue<kernels::simt::SortedQueue<4>, 4>();
  check_queue<kernels::simt::SortedQueue<8>, 8>();
  check_queue<kernels::simt::ScannedQueue<16>, 16>();
}
