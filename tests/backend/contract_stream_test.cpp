// SPDX-License-Identifier: Apache-2.0
// The contract of switchyard/backend.hpp: order in a stream, events between streams.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

constexpr std::size_t kLarge = std::size_t{1} << 20U;
constexpr std::size_t kSlow = std::size_t{1} << 24U;  // to fill, on any device

/// Work that takes a while.
template <class B>
void delay(B& backend, typename B::Stream& stream, DeviceSpan<std::byte> memory) {
  for (int i = 0; i < 50; ++i) backend.fill(stream, memory, std::byte{0xee});
}

template <class B>
bool holds(Session<B>& session, DeviceSpan<std::byte> span, std::byte value) {
  for (const std::byte b : session.download(span)) {
    if (b != value) return false;
  }
  return true;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a stream runs its operations in order", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto a = backend.template allocate<std::byte>(kLarge);
  auto b = backend.template allocate<std::byte>(kLarge);
  for (int round = 0; round < 20; ++round) {
    const std::vector<std::byte> fresh(kLarge, static_cast<std::byte>(round));
    delay(backend, session.stream, a.span());
    backend.upload(session.stream, a.span(), fresh);
    backend.copy(session.stream, b.span(), a.span());
    backend.fill(session.stream, a.span(), std::byte{0xff});
    std::vector<std::byte> result(kLarge);
    backend.download(session.stream, result, b.span());
    backend.fill(session.stream, b.span(), std::byte{0xfe});
    backend.synchronize(session.stream);
    REQUIRE(result == fresh);
  }
}

TEMPLATE_LIST_TEST_CASE("a stream takes any number of operations without waiting", "[backend]",
                        Backends) {
  Session<TestType> session;
  auto buffer = session.backend.template allocate<std::byte>(256);
  for (int i = 0; i < 20'000; ++i) {
    session.backend.fill(session.stream, buffer.span(), static_cast<std::byte>(i & 0xff));
  }
  CHECK(holds(session, buffer.span(), static_cast<std::byte>(19'999 & 0xff)));
}

TEMPLATE_LIST_TEST_CASE("synchronize waits for what was enqueued before it", "[backend]",
                        Backends) {
  Session<TestType> session;
  session.backend.synchronize(session.stream);  // nothing to wait for
  auto memory = session.backend.template allocate<std::byte>(kLarge);
  std::vector<std::byte> result(4);
  delay(session.backend, session.stream, memory.span());
  session.backend.fill(session.stream, memory.span(), std::byte{7});
  session.backend.download(session.stream, result, memory.span().first(4));
  session.backend.synchronize(session.stream);
  CHECK(result == std::vector<std::byte>(4, std::byte{7}));
}

TEMPLATE_LIST_TEST_CASE("an event orders one stream behind another", "[backend]", Backends) {
  Session<TestType> producer;
  TestType& backend = producer.backend;
  auto consumer = backend.make_stream();
  auto event = backend.make_event();
  auto source = backend.template allocate<std::byte>(kLarge);
  auto copied = backend.template allocate<std::byte>(kLarge);
  for (int round = 1; round <= 20; ++round) {
    delay(backend, producer.stream, source.span());
    backend.fill(producer.stream, source.span(), static_cast<std::byte>(round));
    backend.record(producer.stream, event);
    backend.wait(consumer, event);
    backend.copy(consumer, copied.span(), source.span());
    std::vector<std::byte> result(kLarge);
    backend.download(consumer, result, copied.span());
    backend.synchronize(consumer);
    REQUIRE(result == std::vector<std::byte>(kLarge, static_cast<std::byte>(round)));
  }
}

TEMPLATE_LIST_TEST_CASE("streams hand work to and fro", "[backend]", Backends) {
  Session<TestType> left;
  TestType& backend = left.backend;
  auto right = backend.make_stream();
  auto to_right = backend.make_event();
  auto to_left = backend.make_event();
  auto a = backend.template allocate<std::byte>(4096);
  auto b = backend.template allocate<std::byte>(4096);
  backend.fill(left.stream, a.span(), std::byte{0x5d});
  for (int round = 0; round < 200; ++round) {
    backend.copy(left.stream, b.span(), a.span());
    backend.fill(left.stream, a.span(), std::byte{0});
    backend.record(left.stream, to_right);
    backend.wait(right, to_right);
    backend.copy(right, a.span(), b.span());
    backend.fill(right, b.span(), std::byte{0});
    backend.record(right, to_left);
    backend.wait(left.stream, to_left);
  }
  CHECK(holds(left, a.span(), std::byte{0x5d}));
}

TEMPLATE_LIST_TEST_CASE("waiting for an event that was never recorded returns", "[backend]",
                        Backends) {
  Session<TestType> session;
  auto event = session.backend.make_event();
  auto buffer = session.backend.template allocate<std::byte>(16);
  session.backend.synchronize(event);
  session.backend.wait(session.stream, event);
  session.backend.fill(session.stream, buffer.span(), std::byte{3});
  CHECK(holds(session, buffer.span(), std::byte{3}));
}

TEMPLATE_LIST_TEST_CASE("an event stands for its latest recording", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto event = backend.make_event();
  auto memory = backend.template allocate<std::byte>(kLarge);
  std::vector<std::byte> first(1);
  std::vector<std::byte> second(1);
  backend.fill(session.stream, memory.span(), std::byte{1});
  backend.download(session.stream, first, memory.span().first(1));
  backend.record(session.stream, event);
  backend.synchronize(event);
  CHECK(first[0] == std::byte{1});
  delay(backend, session.stream, memory.span());
  backend.fill(session.stream, memory.span(), std::byte{2});
  backend.download(session.stream, second, memory.span().first(1));
  backend.record(session.stream, event);
  backend.synchronize(event);
  CHECK(second[0] == std::byte{2});
  backend.synchronize(event);  // a passed event stays passed
}

TEMPLATE_LIST_TEST_CASE("elapsed_us measures the work between two events", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto memory = backend.template allocate<std::byte>(kLarge);
  std::array events{backend.make_event(), backend.make_event(), backend.make_event()};
  backend.record(session.stream, events[0]);
  delay(backend, session.stream, memory.span());
  backend.record(session.stream, events[1]);
  delay(backend, session.stream, memory.span());
  backend.record(session.stream, events[2]);
  backend.synchronize(session.stream);
  const double first = backend.elapsed_us(events[0], events[1]);
  const double second = backend.elapsed_us(events[1], events[2]);
  const double both = backend.elapsed_us(events[0], events[2]);
  CHECK(first > 0.0);
  CHECK(second > 0.0);
  CHECK(std::abs(both - first - second) <= 0.01 * both);
  CHECK(both < 60e6);
  CHECK(backend.elapsed_us(events[1], events[1]) == 0.0);
}

TEMPLATE_LIST_TEST_CASE("a moved stream keeps its work", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto memory = backend.template allocate<std::byte>(kSlow);
  auto stream = backend.make_stream();
  delay(backend, stream, memory.span());
  backend.fill(stream, memory.span(), std::byte{1});
  auto moved = std::move(stream);
  backend.synchronize(moved);
  CHECK(holds(session, memory.span(), std::byte{1}));

  auto assigned = backend.make_stream();
  delay(backend, assigned, memory.span());
  backend.fill(assigned, memory.span(), std::byte{2});
  assigned = std::move(moved);  // waits for the work of the stream it replaces
  CHECK(holds(session, memory.span(), std::byte{2}));
  backend.fill(assigned, memory.span(), std::byte{3});
  backend.synchronize(assigned);
  CHECK(holds(session, memory.span(), std::byte{3}));
}

TEMPLATE_LIST_TEST_CASE("destroying a stream waits for its work", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto memory = backend.template allocate<std::byte>(kSlow);
  {
    auto stream = backend.make_stream();
    delay(backend, stream, memory.span());
    backend.fill(stream, memory.span(), std::byte{9});
  }
  CHECK(holds(session, memory.span(), std::byte{9}));
}

TEMPLATE_LIST_TEST_CASE("a moved event keeps its recording, a destroyed one delays nobody",
                        "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  auto memory = backend.template allocate<std::byte>(kLarge);
  auto other = backend.make_stream();
  auto event = std::make_optional(backend.make_event());
  delay(backend, session.stream, memory.span());
  backend.fill(session.stream, memory.span(), std::byte{4});
  backend.record(session.stream, *event);
  auto moved = std::make_optional(std::move(*event));
  event.reset();
  backend.wait(other, *moved);
  moved.reset();
  std::vector<std::byte> result(kLarge);
  backend.download(other, result, memory.span());
  backend.synchronize(other);
  CHECK(result == std::vector<std::byte>(kLarge, std::byte{4}));
}

TEMPLATE_LIST_TEST_CASE("threads share a backend, each with a stream of its own", "[backend]",
                        Backends) {
  const auto backend = BackendUnderTest<TestType>::make();
  std::array<bool, 4> right{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < right.size(); ++i) {
    threads.emplace_back([&, i] {
      auto stream = backend->make_stream();
      auto event = backend->make_event();
      bool good = true;
      for (int round = 0; round < 50; ++round) {
        auto buffer = backend->template allocate<std::byte>(1000 + i);
        const auto value = static_cast<std::byte>(10 * round + static_cast<int>(i));
        std::vector<std::byte> result(buffer.size());
        backend->fill(stream, buffer.span(), value);
        backend->record(stream, event);
        backend->wait(stream, event);
        backend->download(stream, result, buffer.span());
        backend->synchronize(event);
        backend->synchronize(stream);
        good = good && result == std::vector<std::byte>(buffer.size(), value);
      }
      right[i] = good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == std::array<bool, 4>{true, true, true, true});
}
