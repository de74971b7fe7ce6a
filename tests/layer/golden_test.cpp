// SPDX-License-Identifier: Apache-2.0
// The layers of tests/golden, recorded from another implementation, on both paths and each compute
// type. A further folder there is a further layer here.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/cpu_bodies.hpp"
#include "support/run_call.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"
#include "switchyard/checkpoint/safetensors.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

std::vector<std::filesystem::path> golden_layers() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(SWITCHYARD_GOLDEN_DIR)) {
    if (entry.is_directory()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<double> floats(const checkpoint::TensorEntry& entry) {
  REQUIRE(entry.dtype == checkpoint::TensorDType::f32);
  return decode_all(entry.bytes, DType::f32);
}

/// What the recorded router returned: [T, K] ids and weights, in the family's own order.
struct Trace {
  std::vector<std::int32_t> ids;
  std::vector<double> weights;
  bool sorted = true;  ///< Weights descend in every row: the order is meant.
};

/// The tensors trace.<router>.out<N>: either weights and ids [T, K], or scores [T, E] that are zero
/// where an expert is not selected.
Trace read_trace(const checkpoint::SafetensorsFile& file, std::int64_t top_k) {
  Trace trace;
  const checkpoint::TensorEntry* scores = nullptr;
  const checkpoint::TensorEntry* weights = nullptr;
  for (const checkpoint::TensorEntry& entry : file.tensors()) {
    if (!entry.name.starts_with("trace.")) continue;
    REQUIRE(entry.shape.size() == 2);
    if (entry.dtype == checkpoint::TensorDType::i32) {
      trace.ids.resize(entry.bytes.size() / 4);
      std::memcpy(trace.ids.data(), entry.bytes.data(), entry.bytes.size());
    } else if (entry.name.ends_with(".out0")) {
      scores = &entry;
    } else if (entry.name.ends_with(".out1")) {
      weights = &entry;
    }
  }
  if (!trace.ids.empty()) {
    REQUIRE(weights != nullptr);
    trace.weights = floats(*weights);
  } else {
    REQUIRE(scores != nullptr);
    const std::vector<double> dense = floats(*scores);
    const auto experts = static_cast<std::size_t>(scores->shape[1]);
    for (std::size_t i = 0; i < dense.size(); ++i) {
      if (dense[i] == 0.0) continue;
      trace.ids.push_back(static_cast<std::int32_t>(i % experts));
      trace.weights.push_back(dense[i]);
    }
  }
  REQUIRE(trace.ids.size() == trace.weights.size());
  for (std::size_t p = 1; p < trace.weights.size(); ++p) {
    const bool same_row = p % static_cast<std::size_t>(top_k) != 0;
    if (same_row && trace.weights[p] > trace.weights[p - 1]) trace.sorted = false;
  }
  return trace;
}

double relative_error(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  double difference = 0.0;
  double norm = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    difference += (got[i] - expected[i]) * (got[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

double largest_error(DType compute) {
  return compute == DType::f32 ? 2e-6 : compute == DType::bf16 ? 8e-3 : 2e-3;
}

/// Whether the plan chose what the trace did. The weights are compared where they are f32's.
void check_routing(const Trace& trace, const PlanContent& plan, std::int64_t top_k, DType compute) {
  const std::vector<float> weights = plan.weights();
  const auto& ids = plan.integers.selected_ids;
  REQUIRE(ids.size() == trace.ids.size());
  if (trace.sorted) CHECK(ids == trace.ids);
  double worst = 0.0;
  const auto step = static_cast<std::size_t>(top_k);
  for (std::size_t first = 0; first < ids.size(); first += step) {
    std::map<std::int32_t, double> got;
    std::map<std::int32_t, double> expected;
    for (std::size_t p = first; p < first + step; ++p) {
      got[ids[p]] = static_cast<double>(weights[p]);
      expected[trace.ids[p]] = trace.weights[p];
    }
    REQUIRE(got.size() == step);
    for (const auto& [id, weight] : expected) {
      REQUIRE(got.count(id) == 1);
      worst = std::max(worst, std::abs(got[id] - weight) / weight);
    }
  }
  if (compute == DType::f32) CHECK(worst <= 2e-6);
}

template <class B>
void check_golden_layers(Session<B>& session) {
  const auto layers = golden_layers();
  REQUIRE(layers.size() >= 6);
  std::ostringstream report;
  report << "rel_error per golden layer\n";
  for (const std::filesystem::path& path : layers) {
    INFO(path.filename().string());
    const auto io = checkpoint::SafetensorsFile::open(path / "moe_io.safetensors");
    const auto model = checkpoint::Model::open(path);
    const auto block = model.load_layer(std::stoll(io.metadata().at("layer")));
    CHECK(std::string(model.family()) == io.metadata().at("family"));
    const checkpoint::TensorEntry* states = io.find("hidden_states");
    const checkpoint::TensorEntry* output = io.find("expected.output");
    REQUIRE(states != nullptr);
    REQUIRE(output != nullptr);
    const std::int64_t tokens = states->shape[0];
    const Trace trace = read_trace(io, block.config().top_k);
    report << "  " << path.filename().string() << ":";
    for (const DType compute : {DType::f32, DType::bf16, DType::f16}) {
      LayerConfig config = block.config();
      config.activation_dtype = compute;
      config.weight_dtype = compute;
      MoeLayer<B> layer(session.backend, session.stream, config, block.weights());
      CallCase call;
      call.num_tokens = tokens;
      call.hidden_states = Tensor(floats(*states), compute, {1, tokens, config.hidden_size});
      std::vector<std::byte> on_device;
      for (const bool bundle : {true, false}) {
        INFO(name(compute) << (bundle ? " device path" : " host path"));
        const Outcome outcome =
            run_call(session, layer, call, {bundle, Placement::separate, kPoisons[1]});
        const double error = relative_error(decode_all(outcome.output, compute), floats(*output));
        CHECK(error <= largest_error(compute));
        CHECK(outcome.intact);
        check_routing(trace, outcome.plan, config.top_k, compute);
        if (bundle) {
          on_device = outcome.output;
          report << " " << name(compute) << " " << error;
        } else {
          CHECK(outcome.output == on_device);
        }
      }
    }
    report << "\n";
  }
  WARN(report.str());
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("golden layers give the recorded outputs and choices", "[golden]",
                        Backends) {
  Session<TestType> session;
  check_golden_layers(session);
}

TEST_CASE("golden layers on each of the CPU's bodies", "[golden]") {
  for (const CpuBodies bodies : all_bodies()) {
    INFO(name(bodies));
    Session<CpuBackend> session{make_cpu(bodies)};
    CHECK(session.backend.bodies() == bodies);
    check_golden_layers(session);
  }
}
