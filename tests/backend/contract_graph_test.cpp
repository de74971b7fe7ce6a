// SPDX-License-Identifier: Apache-2.0
// The contract of switchyard/backend.hpp: launches, capture and replay.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kernels/combine/params.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// Memory for a launch of the combine stage that adds one token's shared row to its output:
/// output += shared.
template <class B>
struct Adder {
  explicit Adder(Session<B>& session)
      : shared(session.backend.template allocate<float>(kWidth)),
        output(session.backend.template allocate<float>(kWidth)),
        skipped(session.backend.template allocate<PackedRow>(1)) {
    set(session, shared.span(), 1.0F);
    set(session, output.span(), 0.0F);
    session.backend.fill(session.stream, as_writable_bytes(skipped.span()), std::byte{0xff});
    params.pairs_by_token = skipped.span().data();
    params.shared_rows = shared.span().data();
    params.residual = output.span().data();
    params.output = output.span().data();
    params.num_tokens = 1;
    params.top_k = 1;
    params.hidden_size = kWidth;
  }

  static void set(Session<B>& session, DeviceSpan<float> span, float value) {
    const std::vector<float> values(span.size(), value);
    session.upload(span, values);
    session.backend.synchronize(session.stream);
  }
  void launch(B& backend, typename B::Stream& stream) const {
    backend.template launch<kernels::Combine>(stream, typename B::LaunchConfig{}, params);
  }
  static std::vector<float> all(float value) { return std::vector<float>(kWidth, value); }

  static constexpr int kWidth = 33;
  typename B::template Buffer<float> shared;
  typename B::template Buffer<float> output;
  typename B::template Buffer<PackedRow> skipped;
  kernels::CombineParams params{};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("a launch runs the body of its stage", "[backend]", Backends) {
  Session<TestType> session;
  constexpr std::int32_t kTokens = 5;
  constexpr std::int32_t kHidden = 300;
  std::vector<float> rows(3 * kHidden);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i % 17);
  const std::vector<PackedRow> pairs{PackedRow{1},  PackedRow{0},  PackedRow{2}, PackedRow{-1},
                                     PackedRow{-1}, PackedRow{-1}, PackedRow{0}, PackedRow{0},
                                     PackedRow{2},  PackedRow{1}};
  const std::vector<float> weights{1.0F, 2.0F, 0.5F, 100.0F, 9.0F, 9.0F, 1.0F, -1.0F, 3.0F, 0.0F};
  auto rows_memory = session.backend.template allocate<float>(rows.size());
  auto pairs_memory = session.backend.template allocate<PackedRow>(pairs.size());
  auto weights_memory = session.backend.template allocate<float>(weights.size());
  auto output = session.backend.template allocate<float>(kTokens * kHidden);
  session.upload(rows_memory.span(), rows);
  session.upload(pairs_memory.span(), pairs);
  session.upload(weights_memory.span(), weights);
  {
    kernels::CombineParams params{};  // copied by launch
    params.expert_rows = rows_memory.span().data();
    params.pairs_by_token = pairs_memory.span().data();
    params.pair_weights = weights_memory.span().data();
    params.output = output.span().data();
    params.num_tokens = kTokens;
    params.top_k = 2;
    params.hidden_size = kHidden;
    session.backend.template launch<kernels::Combine>(session.stream, {}, params);
  }
  std::vector<float> expected;
  for (std::size_t p = 0; p < pairs.size(); p += 2) {
    for (std::size_t h = 0; h < kHidden; ++h) {
      float sum = 0.0F;
      for (std::size_t k = p; k < p + 2; ++k) {
        if (value_of(pairs[k]) < 0) continue;
        sum += weights[k] * rows[static_cast<std::size_t>(value_of(pairs[k])) * kHidden + h];
      }
      expected.push_back(sum);
    }
  }
  CHECK(session.download(output.span()) == expected);
}

TEMPLATE_LIST_TEST_CASE("launches and transfers keep their order", "[backend]", Backends) {
  Session<TestType> session;
  const Adder<TestType> adder(session);
  for (int i = 0; i < 500; ++i) adder.launch(session.backend, session.stream);
  CHECK(session.download(adder.output.span()) == adder.all(500.0F));
  session.backend.fill(session.stream, as_writable_bytes(adder.output.span()), std::byte{0});
  for (int i = 0; i < 7; ++i) adder.launch(session.backend, session.stream);
  session.backend.copy(session.stream, as_writable_bytes(adder.shared.span()),
                       as_bytes(adder.output.span()));
  adder.launch(session.backend, session.stream);
  CHECK(session.download(adder.output.span()) == adder.all(14.0F));
}

TEMPLATE_LIST_TEST_CASE("capture records and runs nothing", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const Adder<TestType> adder(session);
  bool capturing = false;
  CHECK_FALSE(session.stream.is_capturing());
  const auto graph = backend.capture(session.stream, [&] {
    capturing = session.stream.is_capturing();
    adder.launch(backend, session.stream);
    adder.launch(backend, session.stream);
  });
  CHECK(capturing);
  CHECK_FALSE(session.stream.is_capturing());
  CHECK(session.download(adder.output.span()) == adder.all(0.0F));
  backend.replay(session.stream, graph);
  CHECK(session.download(adder.output.span()) == adder.all(2.0F));
}

TEMPLATE_LIST_TEST_CASE("a replay reads what memory holds then, as often as asked", "[backend]",
                        Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  Adder<TestType> adder(session);
  const auto graph =
      backend.capture(session.stream, [&] { adder.launch(backend, session.stream); });
  for (int i = 0; i < 1000; ++i) backend.replay(session.stream, graph);
  CHECK(session.download(adder.output.span()) == adder.all(1000.0F));
  float expected = 1000.0F;
  for (int i = 0; i < 20; ++i) {
    adder.set(session, adder.shared.span(), static_cast<float>(i));
    backend.replay(session.stream, graph);
    expected += static_cast<float>(i);
    REQUIRE(session.download(adder.output.span()) == adder.all(expected));
  }
}

TEMPLATE_LIST_TEST_CASE("transfers, fills and replays are captured", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto a = backend.template allocate<std::byte>(100);
  auto b = backend.template allocate<std::byte>(100);
  const std::vector<std::byte> source(50, std::byte{0x21});
  const auto inner = backend.capture(session.stream, [&] {
    backend.fill(session.stream, a.span(), std::byte{1});
    backend.upload(session.stream, a.span().first(50), source);
  });
  const auto outer = backend.capture(session.stream, [&] {
    backend.replay(session.stream, inner);
    backend.copy(session.stream, b.span(), a.span());
    backend.fill(session.stream, a.span().first(10), std::byte{2});
  });
  const auto empty = backend.capture(session.stream, [] {});
  for (int round = 0; round < 3; ++round) {
    backend.fill(session.stream, a.span(), std::byte{0xaa});
    backend.fill(session.stream, b.span(), std::byte{0xbb});
    backend.replay(session.stream, empty);
    CHECK(session.download(b.span()) == std::vector<std::byte>(100, std::byte{0xbb}));
    backend.replay(session.stream, outer);
    std::vector<std::byte> expected(100, std::byte{1});
    std::fill_n(expected.begin(), 50, std::byte{0x21});
    CHECK(session.download(b.span()) == expected);
    std::fill_n(expected.begin(), 10, std::byte{2});
    CHECK(session.download(a.span()) == expected);
  }
}

TEMPLATE_LIST_TEST_CASE("events are captured and recorded by each replay", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const Adder<TestType> adder(session);
  auto start = backend.make_event();
  auto stop = backend.make_event();
  const auto graph = backend.capture(session.stream, [&] {
    backend.record(session.stream, start);
    adder.launch(backend, session.stream);
    backend.record(session.stream, stop);
    backend.wait(session.stream, stop);
  });
  for (int i = 1; i <= 3; ++i) {
    backend.replay(session.stream, graph);
    backend.synchronize(session.stream);
    CHECK(backend.elapsed_us(start, stop) >= 0.0);
    CHECK(session.download(adder.output.span()) == adder.all(static_cast<float>(i)));
  }
}

TEMPLATE_LIST_TEST_CASE("reading back and waiting cannot be captured", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const Adder<TestType> adder(session);
  std::vector<std::byte> host(4, std::byte{0x55});
  const auto code_of_capture = [&](auto&& refused) {
    try {
      static_cast<void>(backend.capture(session.stream, [&] {
        adder.launch(backend, session.stream);
        refused();
      }));
    } catch (const Error& error) {
      CHECK_FALSE(std::string(error.what()).empty());
      return error.code();
    }
    FAIL("no Error was thrown");
    return ErrorCode::device_failure;
  };
  float expected = 0.0F;
  const auto still_usable = [&] {
    CHECK_FALSE(session.stream.is_capturing());
    CHECK(session.download(adder.output.span()) == adder.all(expected));  // nothing ran
    adder.launch(backend, session.stream);
    const auto graph =
        backend.capture(session.stream, [&] { adder.launch(backend, session.stream); });
    backend.replay(session.stream, graph);
    expected += 2.0F;
    CHECK(session.download(adder.output.span()) == adder.all(expected));
  };
  CHECK(code_of_capture([&] {
          backend.download(session.stream, host, as_bytes(adder.output.span()).first(4));
        }) == ErrorCode::not_capturable);
  CHECK(host == std::vector<std::byte>(4, std::byte{0x55}));
  still_usable();
  CHECK(code_of_capture([&] { backend.synchronize(session.stream); }) == ErrorCode::not_capturable);
  still_usable();
}

TEMPLATE_LIST_TEST_CASE("a capture whose callable throws is dropped", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const Adder<TestType> adder(session);
  adder.launch(backend, session.stream);
  CHECK_THROWS_AS(backend.capture(session.stream,
                                  [&] {
                                    adder.launch(backend, session.stream);
                                    throw std::runtime_error("mine");
                                  }),
                  std::runtime_error);
  CHECK_FALSE(session.stream.is_capturing());
  CHECK(session.download(adder.output.span()) == adder.all(1.0F));
  adder.launch(backend, session.stream);
  CHECK(session.download(adder.output.span()) == adder.all(2.0F));
}

TEMPLATE_LIST_TEST_CASE("another stream works while one is captured", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const Adder<TestType> adder(session);
  auto captured = backend.make_stream();
  const auto graph = backend.capture(captured, [&] {
    adder.launch(backend, captured);
    CHECK_FALSE(session.stream.is_capturing());
    adder.launch(backend, session.stream);
    CHECK(session.download(adder.output.span()) == adder.all(1.0F));
  });
  backend.replay(session.stream, graph);  // on a stream that it was not captured on
  CHECK(session.download(adder.output.span()) == adder.all(2.0F));
}

TEMPLATE_LIST_TEST_CASE("a graph may move, and be destroyed before its replays have run",
                        "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const Adder<TestType> adder(session);
  auto memory = backend.template allocate<std::byte>(std::size_t{1} << 20U);
  for (int i = 0; i < 100; ++i) backend.fill(session.stream, memory.span(), std::byte{1});
  {
    auto graph = backend.capture(session.stream, [&] { adder.launch(backend, session.stream); });
    auto moved = std::move(graph);
    auto other = backend.capture(session.stream, [] {});
    other = std::move(moved);
    for (int i = 0; i < 10; ++i) backend.replay(session.stream, other);
  }
  CHECK(session.download(adder.output.span()) == adder.all(10.0F));
}
