// SPDX-License-Identifier: Apache-2.0
// Bad configurations and options: code, exact message, and that a good call works afterwards.
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/run_call.hpp"
#include "switchyard/backends/cpu.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

struct BadConfig {
  std::function<void(LayerConfig&)> spoil;
  std::string message;
};

LayerConfig good_config() {
  LayerConfig config;
  config.hidden_size = 8;
  config.intermediate_size = 6;
  config.num_experts = 12;
  config.top_k = 2;
  config.shared_expert = {4, true};
  return config;
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<BadConfig> shapes() {
  using C = LayerConfig;
  return {
      {[](C& c) { c.hidden_size = 0; },
       "hidden_size is 0, must be in [1, kMaxHiddenSize = 1048576]"},
      {[](C& c) { c.hidden_size = -8; },
       "hidden_size is -8, must be in [1, kMaxHiddenSize = 1048576]"},
      {[](C& c) { c.hidden_size = 1048577; },
       "hidden_size is 1048577, must be in [1, kMaxHiddenSize = 1048576]"},
      {[](C& c) { c.hidden_size = std::numeric_limits<std::int64_t>::max(); },
       "hidden_size is 9223372036854775807, must be in [1, kMaxHiddenSize = 1048576]"},
      {[](C& c) { c.intermediate_size = 0; },
       "intermediate_size is 0, must be in [1, kMaxIntermediateSize = 1048576]"},
      {[](C& c) { c.intermediate_size = -1; },
       "intermediate_size is -1, must be in [1, kMaxIntermediateSize = 1048576]"},
      {[](C& c) { c.intermediate_size = 1048577; },
       "intermediate_size is 1048577, must be in [1, kMaxIntermediateSize = 1048576]"},
      {[](C& c) { c.num_experts = 0; }, "num_experts is 0, must be in [1, kMaxExperts = 4096]"},
      {[](C& c) { c.num_experts = -1; }, "num_experts is -1, must be in [1, kMaxExperts = 4096]"},
      {[](C& c) { c.num_experts = 4097; },
       "num_experts is 4097, must be in [1, kMaxExperts = 4096]"},
      {[](C& c) { c.num_local_experts = -1; },
       "num_local_experts is -1, must be in [0, num_experts = 12]"},
      {[](C& c) { c.num_local_experts = 13; },
       "num_local_experts is 13, must be in [0, num_experts = 12]"},
      {[](C& c) { c.top_k = 0; }, "top_k is 0, must be in [1, num_experts = 12]"},
      {[](C& c) { c.top_k = -2; }, "top_k is -2, must be in [1, num_experts = 12]"},
      {[](C& c) { c.top_k = 13; }, "top_k is 13, must be in [1, num_experts = 12]"},
      {[](C& c) {
         c.num_experts = 128;
         c.top_k = 65;
       },
       "top_k is 65, must be in [1, kMaxTopK = 64]"},
      {[](C& c) { c.activation_dtype = static_cast<DType>(3); },
       "activation_dtype is 3, must be an enumerator in [0, 2]"},
      {[](C& c) { c.weight_dtype = static_cast<DType>(200); },
       "weight_dtype is 200, must be an enumerator in [0, 2]"},
      {[](C& c) {
         c.shared_expert = {-1, false};
       },
       "shared_expert.intermediate_size is -1, must be in [0, kMaxIntermediateSize = 1048576]"},
      {[](C& c) {
         c.shared_expert = {1048577, false};
       },
       "shared_expert.intermediate_size is 1048577, must be in [0, kMaxIntermediateSize = "
       "1048576]"},
      {[](C& c) {
         c.shared_expert = {0, true};
       },
       "shared_expert.intermediate_size is 0, must be at least 1 where shared_expert.gated"},
  };
}

std::vector<BadConfig> numerics() {
  using C = LayerConfig;
  return {
      {[](C& c) { c.router.score = static_cast<ScoreFunction>(3); },
       "router.score is 3, must be an enumerator in [0, 2]"},
      {[](C& c) { c.router.group_score = static_cast<GroupScore>(2); },
       "router.group_score is 2, must be an enumerator in [0, 1]"},
      {[](C& c) { c.router.group_fill = static_cast<GroupFill>(2); },
       "router.group_fill is 2, must be an enumerator in [0, 1]"},
      {[](C& c) { c.router.weights_from = static_cast<WeightsFrom>(9); },
       "router.weights_from is 9, must be an enumerator in [0, 1]"},
      {[](C& c) { c.router.renormalize = static_cast<Renormalize>(3); },
       "router.renormalize is 3, must be an enumerator in [0, 2]"},
      {[](C& c) { c.router.weight_site = static_cast<WeightSite>(2); },
       "router.weight_site is 2, must be an enumerator in [0, 1]"},
      {[](C& c) { c.router.logits_rounding = static_cast<Rounding>(2); },
       "router.logits_rounding is 2, must be an enumerator in [0, 1]"},
      {[](C& c) { c.router.weights_rounding = static_cast<Rounding>(255); },
       "router.weights_rounding is 255, must be an enumerator in [0, 1]"},
      {[](C& c) { c.router.num_groups = 0; },
       "router.num_groups is 0, must be in [1, kMaxExpertGroups = 256]"},
      {[](C& c) { c.router.num_groups = -4; },
       "router.num_groups is -4, must be in [1, kMaxExpertGroups = 256]"},
      {[](C& c) { c.router.num_groups = 257; },
       "router.num_groups is 257, must be in [1, kMaxExpertGroups = 256]"},
      {[](C& c) { c.router.num_groups = 5; },
       "router.num_groups is 5, must divide num_experts = 12"},
      {[](C& c) { c.router.num_groups = 24; },
       "router.num_groups is 24, must divide num_experts = 12"},
      {[](C& c) { c.router.kept_groups = 0; },
       "router.kept_groups is 0, must be in [1, router.num_groups = 1]"},
      {[](C& c) {
         c.router.num_groups = 4;
         c.router.kept_groups = 5;
       },
       "router.kept_groups is 5, must be in [1, router.num_groups = 4]"},
      {[](C& c) {
         c.router.num_groups = 12;
         c.router.kept_groups = 1;
       },
       "router.kept_groups is 1, must keep at least top_k = 2 experts (it keeps 1)"},
      {[](C& c) { c.router.epsilon = -1.0F; },
       "router.epsilon is -1, must be finite and at least 0"},
      {[](C& c) { c.router.epsilon = kNaN; },
       "router.epsilon is nan, must be finite and at least 0"},
      {[](C& c) { c.router.epsilon = kInfinity; },
       "router.epsilon is inf, must be finite and at least 0"},
      {[](C& c) { c.router.scaling_factor = kNaN; },
       "router.scaling_factor is nan, must be finite"},
      {[](C& c) { c.router.scaling_factor = -kInfinity; },
       "router.scaling_factor is -inf, must be finite"},
      {[](C& c) { c.activation.kind = static_cast<ActivationKind>(5); },
       "activation.kind is 5, must be an enumerator in [0, 4]"},
      {[](C& c) { c.activation.input_rounding = static_cast<Rounding>(2); },
       "activation.input_rounding is 2, must be an enumerator in [0, 1]"},
      {[](C& c) {
         c.activation = {ActivationKind::swiglu_clamped, kNaN, 7.0F};
       },
       "activation.alpha is nan, must be finite"},
      {[](C& c) {
         c.activation = {ActivationKind::swiglu_clamped, 1.7F, 0.0F};
       },
       "activation.limit is 0, must be finite and greater than 0"},
      {[](C& c) {
         c.activation = {ActivationKind::swiglu_clamped, 1.7F, -7.5F};
       },
       "activation.limit is -7.5, must be finite and greater than 0"},
      {[](C& c) {
         c.activation = {ActivationKind::swiglu_clamped, 1.7F, kInfinity};
       },
       "activation.limit is inf, must be finite and greater than 0"},
  };
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a bad configuration is refused by every function that takes one",
                        "[validation]", Backends) {
  Session<TestType> session;
  LayerCase good;
  good.config = good_config();
  Random random(111);
  fill_tensors(random, good, false);
  const CallCase call = random_call(random, good, 3, Routing::gate);
  MoeLayer<TestType> layer(session.backend, session.stream, good.config, good.host());
  const Outcome expected = run_call(session, layer, call);
  std::vector<BadConfig> table = shapes();
  for (BadConfig& row : numerics()) table.push_back(std::move(row));
  CHECK(table.size() >= 48);
  for (const BadConfig& row : table) {
    INFO(row.message);
    LayerConfig config = good_config();
    row.spoil(config);
    constexpr ErrorCode kCode = ErrorCode::invalid_argument;
    expect_error([&] { validate(config); }, kCode, row.message);
    expect_error([&] { static_cast<void>(plan_workspace(config, 1)); }, kCode, row.message);
    expect_error([&] { MoeLayer<TestType>(session.backend, session.stream, config, good.host()); },
                 kCode, row.message);
    CHECK(run_call(session, layer, call).output == expected.output);
  }
  validate(good.config);
}

TEMPLATE_LIST_TEST_CASE("bad options and environments are refused when the layer is made",
                        "[validation]", Backends) {
  Session<TestType> session;
  LayerCase good;
  good.config = good_config();
  Random random(112);
  fill_tensors(random, good, false);
  const auto make = [&](const LayerOptions& options) {
    MoeLayer<TestType>(session.backend, session.stream, good.config, good.host(), options);
  };
  for (const std::int32_t size : {0, -16, 1, 8, 24, 48, 65, 128}) {
    LayerOptions options;
    options.block_size = size;
    expect_error([&] { make(options); }, ErrorCode::invalid_argument,
                 "options.block_size is " + std::to_string(size) + ", must be 16, 32 or 64");
  }
  LayerOptions options;
  options.route_path = static_cast<RoutePath>(2);
  expect_error([&] { make(options); }, ErrorCode::invalid_argument,
               "options.route_path is 2, must be an enumerator in [0, 1]");
  options.route_path.reset();
  options.forward_path = static_cast<ForwardPath>(4);
  expect_error([&] { make(options); }, ErrorCode::invalid_argument,
               "options.forward_path is 4, must be an enumerator in [0, 3]");
  options.forward_path.reset();
  options.weight_storage = static_cast<WeightStorage>(2);
  expect_error([&] { make(options); }, ErrorCode::invalid_argument,
               "options.weight_storage is 2, must be an enumerator in [0, 1]");
  ScopedEnvironment environment("SWITCHYARD_DEVICE_ROUTE", nullptr);
  for (const char* text : {"2", "yes", "-1", "01", " 1", "device"}) {
    environment.set(text);
    expect_error([&] { make({}); }, ErrorCode::invalid_argument,
                 "environment variable SWITCHYARD_DEVICE_ROUTE is '" + std::string(text) +
                     "', must be 0 or 1");
  }
  environment.set(nullptr);
  make({});
}

TEST_CASE("a workspace is planned for a number of tokens within the limit", "[validation]") {
  const LayerConfig config = good_config();
  for (const std::int64_t tokens :
       {std::int64_t{-1}, std::int64_t{1048577}, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max()}) {
    expect_error(
        [&] { static_cast<void>(plan_workspace(config, tokens)); }, ErrorCode::invalid_argument,
        "max_tokens is " + std::to_string(tokens) + ", must be in [0, kMaxTokens = 1048576]");
  }
  static_cast<void>(plan_workspace(config, 0));
  static_cast<void>(plan_workspace(config, 1048576));
}

TEST_CASE("a CPU backend has a number of threads within the limit", "[validation]") {
  for (const int threads : {-1, 1025, std::numeric_limits<int>::min()}) {
    CpuOptions options;
    options.num_threads = threads;
    expect_error([&] { CpuBackend{options}; }, ErrorCode::invalid_argument,
                 "num_threads is " + std::to_string(threads) + ", must be in [0, 1024]");
  }
  ScopedEnvironment environment("SWITCHYARD_NUM_THREADS", "3");
  CHECK(CpuBackend().num_threads() == 3);
  for (const char* text : {"0", "many", "-2", "1025"}) {
    environment.set(text);
    try {
      CpuBackend backend;
      FAIL_CHECK("SWITCHYARD_NUM_THREADS=" << text << " was accepted");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_argument);
      CHECK(std::string(error.what())
                .find("SWITCHYARD_NUM_THREADS is '" + std::string(text) + "', must be") !=
            std::string::npos);
    }
  }
}

TEST_CASE("errors have names", "[validation]") {
  CHECK(std::string(name(ErrorCode::invalid_argument)) == "invalid_argument");
  CHECK(std::string(name(ErrorCode::out_of_memory)) == "out_of_memory");
  CHECK(std::string(name(ErrorCode::capacity_exceeded)) == "capacity_exceeded");
  CHECK(std::string(name(ErrorCode::not_capturable)) == "not_capturable");
  CHECK(std::string(name(ErrorCode::device_unavailable)) == "device_unavailable");
  CHECK(std::string(name(ErrorCode::device_failure)) == "device_failure");
  CHECK(std::string(name(ErrorCode::io_failure)) == "io_failure");
  CHECK(std::string(name(ErrorCode::malformed_file)) == "malformed_file");
  CHECK(std::string(name(ErrorCode::unsupported_model)) == "unsupported_model");
}
