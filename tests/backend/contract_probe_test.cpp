// SPDX-License-Identifier: Apache-2.0
// The contract of switchyard/probing.hpp, on backends that have probes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"
#include "switchyard/error.hpp"
#include "switchyard/probing.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

std::uint32_t folded(const std::vector<std::uint32_t>& words) {
  std::uint32_t sum = 0;
  for (const std::uint32_t word : words) sum ^= word;
  return sum;
}

template <class B>
void check_reads(Session<B>& session, std::size_t pieces) {
  INFO(pieces << " pieces");
  Random random(pieces);
  std::vector<std::uint32_t> words(4 * pieces);
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.bits());
  auto from = session.backend.template allocate<std::uint32_t>(words.size());
  auto sink = session.backend.template allocate<std::uint32_t>(kProbeSinkBytes / 4);
  session.upload(from.span(), words);
  session.backend.probe_reads(session.stream,
                              DeviceSpan<const std::byte>(as_writable_bytes(from.span())),
                              as_writable_bytes(sink.span()));
  CHECK(folded(session.download(sink.span())) == folded(words));
}

template <class B>
void check_products(Session<B>& session) {
  auto sink = session.backend.template allocate<float>(kProbeSinkBytes / 4);
  session.backend.fill(session.stream, as_writable_bytes(sink.span()), std::byte{0});
  const double operations =
      session.backend.probe_products(session.stream, as_writable_bytes(sink.span()));
  int written = 0;
  for (const float sum : session.download(sink.span())) {
    REQUIRE(std::isfinite(sum));
    written += sum != 0.0F ? 1 : 0;
  }
  CHECK((operations > 0.0) == (written > 0));
}

template <class B>
void check_refusals(Session<B>& session) {
  auto memory = session.backend.template allocate<std::byte>(kProbeSinkBytes);
  const DeviceSpan<std::byte> all = memory.span();
  const DeviceSpan<const std::byte> odd(all.first(15));
  expect_error([&] { session.backend.probe_reads(session.stream, odd, all); },
               ErrorCode::invalid_argument, "from has 15 bytes, must have a multiple of 16");
  expect_error(
      [&] {
        static_cast<void>(
            session.backend.probe_products(session.stream, all.first(kProbeSinkBytes - 1)));
      },
      ErrorCode::invalid_argument, "sink has 1048575 bytes, must have 1048576");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("probes read each byte once and say what they compute", "[backend]",
                        Backends) {
  if constexpr (ProbingBackend<TestType>) {
    Session<TestType> session;
    const std::size_t threads = kProbeSinkBytes / 4;
    for (const std::size_t pieces : {std::size_t{1}, std::size_t{1000}, threads - 1, 4 * threads,
                                     4 * threads + 1, 9 * threads + 77}) {
      check_reads(session, pieces);
    }
    check_products(session);
    check_refusals(session);
  }
}

TEMPLATE_LIST_TEST_CASE("a graph knows its launches", "[backend]", Backends) {
  if constexpr (CountingBackend<TestType>) {
    Session<TestType> session;
    auto memory = session.backend.template allocate<std::byte>(64);
    for (const int fills : {0, 1, 5}) {
      const auto graph = session.backend.capture(session.stream, [&] {
        for (int i = 0; i < fills; ++i)
          session.backend.fill(session.stream, memory.span(), std::byte{1});
      });
      CHECK(session.backend.num_nodes(graph) == fills);
    }
  }
}
