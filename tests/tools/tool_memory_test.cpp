// SPDX-License-Identifier: Apache-2.0
// What the benchmark allocates is known before.
#include <string>

#include "bench.hpp"
#include "support/catch.hpp"
#include "switchyard/error.hpp"

using namespace switchyard::tools;

namespace {

BenchRequest request_for(const char* model, switchyard::DType dtype) {
  BenchRequest request;
  request.shape = *find_model_shape(model);
  request.shape.config.weight_dtype = dtype;
  request.shape.config.activation_dtype = dtype;
  request.tokens = {1, 16};
  return request;
}

}  // namespace

TEST_CASE("bench: the published sizes") {
  // 256 experts of three 7168 x 2048 matrices.
  const auto deepseek = request_for("deepseek-v3", switchyard::DType::f32);
  CHECK(memory_need(deepseek).weights == Approx(256.0 * 3 * 7168 * 2048 * 4));
  const auto qwen = request_for("qwen3-30b-a3b", switchyard::DType::bf16);
  CHECK(memory_need(qwen).weights == Approx(128.0 * 3 * 2048 * 768 * 2));
  CHECK(least_flops(qwen.shape.config, 16) == Approx(2.0 * 16 * 8 * 3 * 2048 * 768));
  CHECK(model_shapes().size() == 5);
}

TEST_CASE("bench: too little memory is said before anything is allocated") {
  const auto request = request_for("deepseek-v3", switchyard::DType::f32);
  const std::uint64_t available = 24'000'000'000U;
  CHECK_NOTHROW(check_memory(request_for("qwen3-30b-a3b", switchyard::DType::f32), 2, available));
  CHECK_NOTHROW(check_memory(request, 2, 0));  // unknown
  std::string message;
  try {
    check_memory(request, 2, available);
  } catch (const switchyard::Error& error) {
    CHECK(error.code() == switchyard::ErrorCode::out_of_memory);
    message = error.what();
  }
  CHECK(message.find("the weights take 45.1 GB (256 experts, f32)") == 0);
  CHECK(message.find("22.1 GB may be used") != std::string::npos);
  CHECK(message.find("try --experts 56 or fewer (120 with --dtype bf16)") != std::string::npos);
}

TEST_CASE("bench: weights take turns until they are cold, as memory allows") {
  const auto request = request_for("qwen3-30b-a3b", switchyard::DType::bf16);
  const std::uint64_t cache = 64U << 20U;  // a call with one token reads 75 MB
  CHECK(choose_weight_sets(request, 100'000'000'000U, cache) == 4);
  CHECK(choose_weight_sets(request, 4'000'000'000U, cache) == 3);
  CHECK(choose_weight_sets(request, 1'000'000'000U, cache) == 1);
  CHECK(choose_weight_sets(request, 100'000'000'000U, 8U << 20U) == 1);
  auto fixed = request;
  fixed.weight_sets = 5;
  CHECK(choose_weight_sets(fixed, 1'000'000'000U, cache) == 5);
}
