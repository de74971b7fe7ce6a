// SPDX-License-Identifier: Apache-2.0
// The queues of a lane draw the greatest key first, and candidates of equal ones in the order of
// their places, whatever is drawn and whatever is not.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

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
    for (const Candidate& next : expected) {
      while (random.chance(0.3)) queue.draw_if(false);
      REQUIRE(queue.key() == next.key);
      if constexpr (requires { queue.place(); }) REQUIRE(queue.place() == next.place);
      queue.draw_if(true);
    }
    REQUIRE(queue.key() == 0);
  }
}

}  // namespace

TEST_CASE("a lane draws its candidates the best first", "[emulator]") {
  check_queue<kernels::simt::SortedKeys<4>, 4>();
  check_queue<kernels::simt::SortedKeys<8>, 8>();
  check_queue<kernels::simt::SortedKeys<16>, 16>();
  check_queue<kernels::simt::ScannedQueue<4>, 4>();
  check_queue<kernels::simt::ScannedQueue<16>, 16>();
}
