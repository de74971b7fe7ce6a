// SPDX-License-Identifier: Apache-2.0
// Bad arguments of MoeScratch: code, exact message, and that a good call works afterwards.
#include <string>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

TEMPLATE_LIST_TEST_CASE("a scratch refuses a slab that does not fit and calls beyond its capacity",
                        "[validation]", Backends) {
  Session<TestType> session;
  const LayerCase layer_case = call_layer(true);
  const CallCase call = good_call(layer_case);
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  const WorkspacePlan plan = plan_workspace(layer_case.config, 2);
  Guarded<TestType, std::byte> slab(session.backend, session.stream, plan.total_bytes + 256,
                                    kPoisons[0]);
  session.backend.synchronize(session.stream);
  const std::string size = std::to_string(plan.total_bytes);
  const auto borrow = [&](DeviceSpan<std::byte> memory) {
    return [memory, &plan] { static_cast<void>(MoeScratch<TestType>(memory, plan)); };
  };
  expect_error(
      borrow(slab.span().first(plan.total_bytes - 1)), ErrorCode::invalid_argument,
      "slab has " + std::to_string(plan.total_bytes - 1) + " bytes, must have at least " + size);
  expect_error(borrow({}), ErrorCode::invalid_argument,
               "slab has 0 bytes, must have at least " + size);
  expect_error(borrow({nullptr, plan.total_bytes}), ErrorCode::invalid_argument,
               "slab.data is null, must hold " + size + " bytes");
  for (const std::size_t offset : {1, 4, 16, 128, 255}) {
    const auto moved = slab.span().subspan(offset, plan.total_bytes);
    expect_error(borrow(moved), ErrorCode::invalid_argument, misaligned("slab", moved.data(), 256));
  }

  const MoeScratch<TestType> scratch(slab.span().first(plan.total_bytes), plan);
  expect_error([&] { static_cast<void>(scratch.route(3)); }, ErrorCode::capacity_exceeded,
               "num_tokens is 3, must be at most max_tokens = 2");
  expect_error([&] { static_cast<void>(scratch.route(-1)); }, ErrorCode::invalid_argument,
               "num_tokens is -1, must be at least 0");
  CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[1]);
  expect_error([&] { static_cast<void>(layer.forward(session.stream, memory.inputs(), scratch)); },
               ErrorCode::capacity_exceeded, "num_tokens is 3, must be at most max_tokens = 2");
  CHECK(slab.intact(session.stream));
  CHECK(run_call(session, layer, call).intact);
}

TEMPLATE_LIST_TEST_CASE("a scratch that does not fit the device is out of memory", "[validation]",
                        Backends) {
  Session<TestType> session;
  LayerConfig config;
  config.hidden_size = 1 << 20;
  config.intermediate_size = 1 << 20;
  config.num_experts = 4096;
  config.top_k = 64;
  const WorkspacePlan plan = plan_workspace(config, 1 << 20);
  try {
    const MoeScratch<TestType> scratch(session.backend, plan);
    FAIL("512 TiB were allocated");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::out_of_memory);
    CHECK(std::string(error.what()).find(std::to_string(plan.total_bytes)) != std::string::npos);
  }
}
