// SPDX-License-Identifier: Apache-2.0
// The CPU backend's bodies for instruction sets against its reference bodies and the oracle, with
// weights that are repacked and weights that stay where they are.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/cpu_bodies.hpp"
#include "support/run_call.hpp"
#include "support/scale.hpp"
#include "switchyard/expert_matrices.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// A layer's expert matrices in weight_dtype at odd addresses, as a mapped file may have them.
class MappedWeights {
 public:
  explicit MappedWeights(LayerCase& layer) {
    const DType dtype = layer.config.weight_dtype;
    for (Tensor* tensor : {&layer.gate_up, &layer.down, &layer.shared_gate_up, &layer.shared_down})
      if (tensor->present()) *tensor = Tensor(tensor->values(), dtype, tensor->view().shape);
    weights_ = layer.host();
    for (HostTensor* tensor :
         {&weights_.gate_up, &weights_.down, &weights_.shared_gate_up, &weights_.shared_down}) {
      if (!tensor->present()) continue;
      auto& copy = copies_.emplace_back(tensor->bytes.size() + 1);
      std::copy(tensor->bytes.begin(), tensor->bytes.end(), copy.begin() + 1);
      tensor->bytes = std::span<const std::byte>(copy).subspan(1);
    }
  }

  [[nodiscard]] const HostMoeWeights& view() const { return weights_; }

  void fill_with_zeros() {
    for (auto& copy : copies_) std::fill(copy.begin(), copy.end(), std::byte{});
  }

 private:
  std::vector<std::vector<std::byte>> copies_;
  HostMoeWeights weights_;
};

/// What is wrong with an outcome beside the one of the reference bodies, or nothing.
std::string fault(const LayerConfig& config, const oracle::Result& expected,
                  const Outcome& reference, const Outcome& tuned) {
  if (tuned.plan != reference.plan) return "the plan differs";
  if (!tuned.intact) return "a canary is gone";
  const double error = worst_error(tuned.output, config.activation_dtype, expected.output);
  if (!(error <= 1.0))
    return "the output is off by " + std::to_string(error) + " bounds, the reference bodies' by " +
           std::to_string(worst_error(reference.output, config.activation_dtype, expected.output));
  const std::vector<double> ours = decode_all(tuned.output, config.activation_dtype);
  const std::vector<double> theirs = decode_all(reference.output, config.activation_dtype);
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (!(std::abs(ours[i] - theirs[i]) <= 2.0 * expected.output[i].bound))
      return "the output leaves the bound around the reference bodies'";
  return "";
}

/// Whether a result overflows f32 or the activation dtype on the way: the bound says nothing then.
bool overflows(const Outcome& reference, const LayerConfig& config) {
  const std::vector<double> values = decode_all(reference.output, config.activation_dtype);
  return !std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

/// Whether bodies sum in an order of their own: amx and avx512_bf16, where they multiply pairs of
/// bf16.
bool sums_pairs(CpuBodies bodies, const LayerConfig& config) {
  return (bodies == CpuBodies::amx || bodies == CpuBodies::avx512_bf16) &&
         config.activation_dtype == DType::bf16 && config.weight_dtype == DType::bf16;
}

/// Runs one case on every body and both storages.
class BodiesUnderTest {
 public:
  BodiesUnderTest() {
    for (const CpuBodies bodies : tuned_bodies())
      tuned_.push_back(
          std::make_unique<Session<CpuBackend>>(Session<CpuBackend>{make_cpu(bodies)}));
  }

  /// What is wrong, or nothing. The outputs of copied weights are one for all instruction sets that
  /// sum in the same order.
  std::string check(LayerCase layer, const CallCase& call, const oracle::Result& expected) {
    const MappedWeights weights(layer);
    const Outcome reference = run(reference_, layer, weights, call, WeightStorage::copied);
    if (overflows(reference, layer.config)) {
      ++num_overflows_;
      return "";
    }
    std::vector<std::byte> packed;
    for (auto& session : tuned_)
      for (const WeightStorage storage : {WeightStorage::copied, WeightStorage::borrowed}) {
        const Outcome tuned = run(*session, layer, weights, call, storage);
        std::string wrong = fault(layer.config, expected, reference, tuned);
        if (wrong.empty() && storage == WeightStorage::copied &&
            !sums_pairs(session->backend.bodies(), layer.config)) {
          if (packed.empty()) packed = tuned.output;
          if (tuned.output != packed) wrong = "instruction sets differ";
        }
        if (!wrong.empty())
          return std::string(name(session->backend.bodies())) + ", " + std::string(name(storage)) +
                 ": " + wrong;
      }
    const Outcome borrowed = run(reference_, layer, weights, call, WeightStorage::borrowed);
    return borrowed.output == reference.output ? "" : "reference bodies: storage matters";
  }

  [[nodiscard]] bool any() const { return !tuned_.empty(); }
  [[nodiscard]] std::int64_t num_overflows() const { return num_overflows_; }

 private:
  static Outcome run(Session<CpuBackend>& session, const LayerCase& layer,
                     const MappedWeights& weights, const CallCase& call, WeightStorage storage) {
    LayerOptions options;
    options.weight_storage = storage;
    MoeLayer<CpuBackend> moe(session.backend, session.stream, layer.config, weights.view(),
                             options);
    return run_call(session, moe, call, {true, Placement::separate, kPoisons[1]});
  }

  std::int64_t num_overflows_ = 0;
  Session<CpuBackend> reference_{make_cpu(CpuBodies::reference)};
  std::vector<std::unique_ptr<Session<CpuBackend>>> tuned_;
};

/// A layer with tensors in its weight dtype: the oracle sees what borrowed weights are.
LayerCase in_weight_dtype(LayerCase layer) {
  const MappedWeights rounded(layer);
  return layer;
}

}  // namespace

TEST_CASE("tuned bodies compute what the reference bodies do", "[tuned]") {
  BodiesUnderTest bodies;
  if (!bodies.any()) WARN("this processor runs the reference bodies alone");
  const std::int64_t count = scaled(2500);
  std::int64_t routed_rows[8] = {};  // cases with an expert of so many rows
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(5'000'000 + static_cast<std::uint64_t>(i));
    for (;;) {
      const LayerCase layer = in_weight_dtype(random_layer(random));
      const Routing routing = random.pick({Routing::gate, Routing::logits, Routing::preselected});
      const CallCase call = random_call(random, layer, random.in(0, 14), routing);
      const oracle::Result expected =
          oracle::forward(layer.config, layer.reference(), call.reference());
      if (expected.ambiguous) continue;
      std::vector<std::size_t> rows(static_cast<std::size_t>(layer.config.num_experts));
      for (const std::int32_t id : expected.selected_ids)
        if (id >= 0 && static_cast<std::size_t>(id) < rows.size())
          ++rows[static_cast<std::size_t>(id)];
      for (const std::size_t n : rows)
        if (n < 8) ++routed_rows[n];
      const std::string wrong = bodies.check(layer, call, expected);
      if (!wrong.empty())
        FAIL("case " << i << ": " << wrong << "; T " << call.num_tokens << " "
                     << describe(layer.config));
      break;
    }
  }
  CHECK(bodies.num_overflows() <= count / 20);
  if (count >= 100)
    for (const std::int64_t cases : routed_rows) CHECK(cases > 0);
}

TEST_CASE("tuned bodies on extents beyond every block", "[tuned]") {
  BodiesUnderTest bodies;
  struct Extents {
    std::int64_t hidden_size, intermediate_size, num_experts, top_k, num_tokens;
  };
  // Sums longer than a block of k, more rows than a block, more columns than a task, on one side
  // or the other; and one of each that is a whole number of vectors. The last two: more rows of
  // down and of gate_up than caches are asked to keep, some of them aligned.
  const Extents all[] = {{2501, 9, 2, 1, 5},  {9, 2501, 2, 1, 4},  {1030, 33, 1, 1, 121},
                         {33, 1030, 3, 2, 5}, {4096, 16, 2, 2, 2}, {7, 11, 1, 1, 301},
                         {64, 64, 2, 1, 97},  {16, 4100, 1, 1, 1}, {4100, 5, 2, 2, 130},
                         {5, 4100, 2, 2, 130}};
  std::uint64_t seed = 50;
  for (const Extents& extents : all)
    for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
      for (const ActivationKind kind : {ActivationKind::swiglu, ActivationKind::relu2}) {
        INFO(extents.hidden_size << " " << extents.intermediate_size << " T " << extents.num_tokens
                                 << " " << name(dtype) << " " << name(kind));
        Random random(++seed);
        LayerCase layer;
        layer.config.hidden_size = extents.hidden_size;
        layer.config.intermediate_size = extents.intermediate_size;
        layer.config.num_experts = extents.num_experts;
        layer.config.top_k = extents.top_k;
        layer.config.activation_dtype = dtype;
        layer.config.weight_dtype = dtype;
        layer.config.activation.kind = kind;
        oracle::Result expected;
        CallCase call;
        do {
          fill_tensors(random, layer, true);
          layer = in_weight_dtype(layer);
          call = random_call(random, layer, extents.num_tokens, Routing::gate);
          expected = oracle::forward(layer.config, layer.reference(), call.reference());
        } while (expected.ambiguous);
        CHECK(bodies.check(layer, call, expected).empty());
      }
}

TEST_CASE("tuned bodies give the same bits on 1, 2, 3 and 5 threads", "[tuned]") {
  const std::int64_t count = scaled(60);
  for (std::int64_t i = 0; i < count; ++i) {
    INFO("case " << i);
    Random random(51'000 + static_cast<std::uint64_t>(i));
    LayerCase layer_case = random_layer(random);
    const MappedWeights weights(layer_case);
    const CallCase call = random_call(random, layer_case, random.in(1, 90), Routing::gate);
    for (const CpuBodies bodies : all_bodies())
      for (const WeightStorage storage : {WeightStorage::copied, WeightStorage::borrowed}) {
        LayerOptions options;
        options.weight_storage = storage;
        Outcome one;
        for (const int threads : {1, 2, 3, 5}) {
          Session<CpuBackend> session{make_cpu(bodies, threads)};
          MoeLayer<CpuBackend> layer(session.backend, session.stream, layer_case.config,
                                     weights.view(), options);
          const Outcome outcome = run_call(session, layer, call);
          if (threads == 1) one = outcome;
          CHECK(outcome.output == one.output);
          CHECK(outcome.plan == one.plan);
        }
      }
  }
}

TEMPLATE_LIST_TEST_CASE("borrowed weights are read where they lie", "[borrowed]", Backends) {
  if constexpr (BorrowingBackend<TestType>) {
    Session<TestType> session;
    Random random(52);
    LayerCase layer = random_layer(random, {50, 50, 10, false});
    layer.config.shared_expert = {9, false};
    layer.config.activation.kind = ActivationKind::swiglu;
    fill_tensors(random, layer, false);
    layer.gate_up_bias = layer.down_bias = Tensor();
    MappedWeights weights(layer);
    CallCase call = random_call(random, layer, 20, Routing::logits);
    call.residual = Tensor();
    call.residual_is_output = false;
    LayerOptions options;
    options.weight_storage = WeightStorage::borrowed;
    MoeLayer<TestType> moe(session.backend, session.stream, layer.config, weights.view(), options);
    const oracle::Result expected =
        oracle::forward(layer.config, layer.reference(), call.reference());
    const Outcome outcome = run_call(session, moe, call);
    CHECK(outcome.intact);
    CHECK(worst_error(outcome.output, layer.config.activation_dtype, expected.output) <= 1.0);
    weights.fill_with_zeros();
    for (const double value :
         decode_all(run_call(session, moe, call).output, layer.config.activation_dtype))
      CHECK(value == 0.0);
  }
}
