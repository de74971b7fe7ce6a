// SPDX-License-Identifier: Apache-2.0
// What the Vulkan backend has beside the trait: choice of a device, addresses that are checked.
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/backends.hpp"
#include "support/catch.hpp"
#include "switchyard/backends/vulkan.hpp"
#include "switchyard/error.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

template <class Call>
void check_error(ErrorCode code, const std::string& part, Call&& call) {
  try {
    call();
    FAIL("no Error was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == code);
    INFO(error.what());
    CHECK(std::string(error.what()).find(part) != std::string::npos);
  }
}

/// Runs `check` where the backend under test is Vulkan's.
template <class B, class Check>
void for_vulkan(Check&& check) {
  if constexpr (std::is_same_v<B, VulkanBackend>) {
    Session<B> session;
    check(session);
  } else {
    SUCCEED("another backend");
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("vulkan: a device is chosen by index and by name", "[native][vulkan]",
                        Backends) {
  for_vulkan<TestType>([](auto& session) {
    const std::string name = session.backend.info().name;
    VulkanOptions options;
    options.name = name.substr(1, name.size() - 1);
    CHECK(VulkanBackend(options).info().name == name);
    options.device = 1000;
    check_error(ErrorCode::device_unavailable, "device is 1000, must be in [0, number of devices",
                [&] { const VulkanBackend backend(options); });
    options = {.device = 0, .name = "no such device"};
    check_error(ErrorCode::device_unavailable, "named 'no such device' = 0)",
                [&] { const VulkanBackend backend(options); });
    options = {.device = -1, .name = ""};
    check_error(ErrorCode::device_unavailable, "device is -1",
                [&] { const VulkanBackend backend(options); });
  });
}

TEMPLATE_LIST_TEST_CASE("vulkan: transfers outside of a buffer are refused", "[native][vulkan]",
                        Backends) {
  for_vulkan<TestType>([](auto& session) {
    VulkanBackend& backend = session.backend;
    auto buffer = backend.template allocate<std::byte>(1024);
    const DeviceSpan<std::byte> longer(buffer.span().data(), 2048);
    const DeviceSpan<std::byte> nowhere(buffer.span().data() - (std::ptrdiff_t{1} << 40), 16);
    std::vector<std::byte> host(2048);
    const auto refused = [&](auto&& call) {
      check_error(ErrorCode::invalid_argument, "must lie in a buffer of this device", call);
    };
    refused([&] { backend.fill(session.stream, longer, std::byte{1}); });
    refused([&] { backend.upload(session.stream, longer, host); });
    refused([&] { backend.download(session.stream, host, longer); });
    refused([&] { backend.fill(session.stream, nowhere, std::byte{1}); });
    refused([&] { backend.copy(session.stream, nowhere, buffer.span().first(16)); });
    backend.fill(session.stream, buffer.span(), std::byte{7});
    CHECK(session.download(buffer.span()) == std::vector<std::byte>(1024, std::byte{7}));
  });
}

TEMPLATE_LIST_TEST_CASE("vulkan: freed memory is used again, whatever the order",
                        "[native][vulkan]", Backends) {
  for_vulkan<TestType>([](auto& session) {
    VulkanBackend& backend = session.backend;
    for (int round = 0; round < 50; ++round) {  // 50 * 96 MiB, on devices of 2 GiB and more
      std::vector<std::optional<VulkanBackend::Buffer<std::byte>>> buffers;
      for (int i = 0; i < 8; ++i)
        buffers.emplace_back(backend.template allocate<std::byte>(std::size_t{12} << 20U));
      for (const std::size_t i : {3U, 1U, 2U, 0U}) buffers[i].reset();
      auto joined = backend.template allocate<std::byte>(std::size_t{24} << 20U);
      backend.fill(session.stream, joined.span().first(64), std::byte{5});
      CHECK(session.download(joined.span().first(64)) == std::vector<std::byte>(64, std::byte{5}));
    }
  });
}

TEMPLATE_LIST_TEST_CASE("vulkan: objects outlive the backend", "[native][vulkan]", Backends) {
  for_vulkan<TestType>([](auto&) {
    auto backend = std::make_unique<VulkanBackend>();
    auto buffer = backend->template allocate<std::byte>(64);
    auto stream = backend->make_stream();
    auto event = backend->make_event();
    backend->fill(stream, buffer.span(), std::byte{1});
    backend->record(stream, event);
    backend.reset();
    SUCCEED("destroyed in any order");
  });
}

// Hidden: copies between ranges that overlap, which Vulkan forbids and the validation layer
// reports.
TEMPLATE_LIST_TEST_CASE("vulkan: a fault for the validation layer", "[.vulkan_fault]", Backends) {
  for_vulkan<TestType>([](auto& session) {
    auto buffer = session.backend.template allocate<std::byte>(64);
    session.backend.copy(session.stream, buffer.span().first(32), buffer.span().subspan(16, 32));
    session.backend.synchronize(session.stream);
    SUCCEED("enqueued");
  });
}
