// SPDX-License-Identifier: Apache-2.0
// The contract of switchyard/backend.hpp: devices, memory and transfers.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "support/catch.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

template <class Call>
ErrorCode code_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("no Error was thrown");
  return ErrorCode::device_failure;
}

std::vector<std::uint32_t> counting(std::size_t count, std::uint32_t first) {
  std::vector<std::uint32_t> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a backend names itself and its devices", "[backend]", Backends) {
  const DeviceList list = TestType::devices();
  CHECK_FALSE(std::string_view(TestType::kName).empty());
  CHECK(list.devices.empty() != list.reason.empty());
  Session<TestType> session;
  const DeviceInfo& info = session.backend.info();
  CHECK_FALSE(info.name.empty());
  CHECK(info.memory_bytes > 0);
  CHECK(info.compute_units >= 1);
  CHECK(info.wave_size >= 1);
  REQUIRE(info.index >= 0);
  REQUIRE(static_cast<std::size_t>(info.index) < list.devices.size());
  CHECK(list.devices[static_cast<std::size_t>(info.index)].name == info.name);
}

TEMPLATE_LIST_TEST_CASE("allocate gives distinct memory of the size asked for", "[backend]",
                        Backends) {
  Session<TestType> session;
  for (const std::size_t count : {0, 1, 3, 64, 1000, 65537, 2'500'000}) {
    auto a = session.backend.template allocate<std::uint32_t>(count);
    auto b = session.backend.template allocate<std::uint32_t>(count);
    REQUIRE(a.size() == count);
    REQUIRE(a.span().size() == count);
    if (count == 0) continue;
    const auto first = counting(count, 1);
    const auto second = counting(count, 1'000'000);
    session.upload(a.span(), first);
    session.upload(b.span(), second);
    CHECK(session.download(a.span()) == first);
    CHECK(session.download(b.span()) == second);
  }
  const auto bytes = session.backend.template allocate<std::byte>(3);
  CHECK(bytes.span().size_bytes() == 3);
  const auto wide = session.backend.template allocate<double>(3);
  CHECK(wide.span().size_bytes() == 24);
}

TEMPLATE_LIST_TEST_CASE("many allocations live side by side", "[backend]", Backends) {
  Session<TestType> session;
  std::vector<typename TestType::template Buffer<std::uint32_t>> buffers;
  std::vector<std::vector<std::uint32_t>> contents;
  for (std::uint32_t i = 0; i < 300; ++i) {
    contents.push_back(counting(i % 37, i * 1000));
    buffers.push_back(session.backend.template allocate<std::uint32_t>(i % 37));
    session.upload(buffers.back().span(), contents.back());
    session.backend.synchronize(session.stream);
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    REQUIRE(session.download(buffers[i].span()) == contents[i]);
  }
}

TEMPLATE_LIST_TEST_CASE("an allocation that does not fit throws and leaves the backend usable",
                        "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  for (const std::size_t count : {most, most / 2, most / 4, most / 8, std::size_t{1} << 59U}) {
    CHECK(code_of([&] { static_cast<void>(backend.template allocate<std::byte>(count)); }) ==
          ErrorCode::out_of_memory);
    CHECK(code_of([&] { static_cast<void>(backend.template allocate<double>(count)); }) ==
          ErrorCode::out_of_memory);
  }
  const auto values = counting(10, 5);
  auto buffer = backend.template allocate<std::uint32_t>(10);
  session.upload(buffer.span(), values);
  CHECK(session.download(buffer.span()) == values);
}

TEMPLATE_LIST_TEST_CASE("transfers touch exactly the bytes they are given", "[backend]", Backends) {
  Session<TestType> session;
  TestType& backend = session.backend;
  constexpr std::size_t kSize = 257;
  auto buffer = backend.template allocate<std::byte>(kSize);
  auto other = backend.template allocate<std::byte>(kSize);
  for (const auto& [first, count] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 0}, {0, 1}, {1, 1}, {3, 7}, {100, 64}, {256, 1}, {257, 0}, {0, 257}, {13, 244}}) {
    INFO("bytes [" << first << ", " << first + count << ")");
    std::vector<std::byte> expected(kSize, std::byte{0x11});
    const std::vector<std::byte> source(count, std::byte{0x42});
    const auto set = [&](std::byte value) {
      for (std::size_t i = first; i < first + count; ++i) expected[i] = value;
    };
    backend.fill(session.stream, buffer.span(), std::byte{0x11});
    backend.upload(session.stream, buffer.span().subspan(first, count), source);
    set(std::byte{0x42});
    CHECK(session.download(buffer.span()) == expected);

    backend.fill(session.stream, buffer.span().subspan(first, count), std::byte{0x9c});
    set(std::byte{0x9c});
    CHECK(session.download(buffer.span()) == expected);

    backend.fill(session.stream, other.span(), std::byte{0x33});
    backend.copy(session.stream, buffer.span().subspan(first, count),
                 other.span().subspan(kSize - count, count));
    set(std::byte{0x33});
    CHECK(session.download(buffer.span()) == expected);

    std::vector<std::byte> part(count + 2, std::byte{0x77});
    backend.download(session.stream, std::span(part).subspan(1, count),
                     buffer.span().subspan(first, count));
    backend.synchronize(session.stream);
    CHECK(part.front() == std::byte{0x77});
    CHECK(part.back() == std::byte{0x77});
    for (std::size_t i = 0; i < count; ++i) REQUIRE(part[1 + i] == std::byte{0x33});
  }
}

TEMPLATE_LIST_TEST_CASE("empty transfers take null addresses", "[backend]", Backends) {
  Session<TestType> session;
  session.backend.upload(session.stream, {}, {});
  session.backend.download(session.stream, {}, {});
  session.backend.copy(session.stream, {}, {});
  session.backend.fill(session.stream, {}, std::byte{1});
  session.backend.synchronize(session.stream);
  CHECK_FALSE(session.stream.is_capturing());
}

TEMPLATE_LIST_TEST_CASE("a moved buffer keeps its memory", "[backend]", Backends) {
  Session<TestType> session;
  const auto values = counting(100, 9);
  auto buffer = session.backend.template allocate<std::uint32_t>(100);
  session.upload(buffer.span(), values);
  auto moved = std::move(buffer);
  CHECK(moved.size() == 100);
  CHECK(session.download(moved.span()) == values);
  auto assigned = session.backend.template allocate<std::uint32_t>(3);
  assigned = std::move(moved);
  CHECK(assigned.size() == 100);
  CHECK(session.download(assigned.span()) == values);
}
