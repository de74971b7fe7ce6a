// SPDX-License-Identifier: Apache-2.0
// GraphCache: warm-up, capture, replay with changed inputs, keys, eviction, failed captures.
#include <cstdint>
#include <vector>

#include "core/graph_cache_impl.hpp"
#include "core/moe_layer_impl.hpp"
#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/error.hpp"
#include "switchyard/graph_cache.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// A CPU whose captures fail as often as it is told.
class FlakyBackend : public CpuBackend {
 public:
  int failures_left = 0;

  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    Graph graph = CpuBackend::capture(stream, std::forward<Enqueue>(enqueue));
    if (failures_left-- > 0) throw Error(ErrorCode::device_failure, "planted");
    return graph;
  }
};

constexpr std::int64_t kMaxTokens = 8;

LayerCase small_layer(std::uint64_t seed) {
  Random random(seed);
  LayerCase layer = random_layer(random, {24, 16, 6, true});
  layer.config.activation_dtype = DType::f32;
  return layer;
}

/// A layer, its cache and device memory for calls of up to kMaxTokens tokens.
template <class B>
struct Fixture {
  Session<B> session;
  LayerCase layer_case;
  MoeLayer<B> layer;
  MoeScratch<B> scratch;
  typename B::template Buffer<float> hidden;
  typename B::template Buffer<float> output;
  std::vector<float> states;

  explicit Fixture(const LayerOptions& options = {})
      : layer_case(small_layer(91)),
        layer(session.backend, session.stream, layer_case.config, layer_case.host(), options),
        scratch(session.backend, plan_workspace(layer_case.config, kMaxTokens)),
        hidden(session.backend.template allocate<float>(elements(kMaxTokens))),
        output(session.backend.template allocate<float>(elements(kMaxTokens))) {
    fill(1);
  }

  [[nodiscard]] std::size_t elements(std::int64_t tokens) const {
    return static_cast<std::size_t>(tokens * layer_case.config.hidden_size);
  }

  /// New contents in the same memory.
  void fill(std::uint64_t seed) {
    Random random(seed);
    states.resize(elements(kMaxTokens));
    for (float& state : states) state = static_cast<float>(random.normal());
    session.upload(hidden.span(), states);
    session.backend.synchronize(session.stream);
  }

  [[nodiscard]] MoeInputs inputs(std::int64_t tokens) const {
    const std::int64_t width = layer_case.config.hidden_size;
    MoeInputs inputs;
    inputs.hidden_states = {hidden.span().data(), DType::f32, tokens, width};
    inputs.output = {output.span().data(), DType::f32, tokens, width};
    return inputs;
  }

  [[nodiscard]] std::vector<float> outputs(std::int64_t tokens) {
    return session.download(output.span().first(elements(tokens)));
  }
  [[nodiscard]] std::vector<float> eager(std::int64_t tokens) {
    layer.forward(session.stream, inputs(tokens), scratch);
    return outputs(tokens);
  }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("a cache warms up, captures and replays what an eager call computes",
                        "[graph_cache]", Backends) {
  Fixture<TestType> f;
  GraphCache<TestType> cache(f.session.backend, f.layer, {.warm_up_calls = 2});
  for (std::uint64_t call = 0; call < 20; ++call) {
    INFO("call " << call);
    f.fill(100 + call);
    const std::int64_t tokens = 1 + static_cast<std::int64_t>(call % 2) * 4;
    const std::vector<float> expected = f.eager(tokens);
    f.session.backend.fill(f.session.stream, as_writable_bytes(f.output.span()), std::byte{0xff});
    cache.forward(f.session.stream, f.inputs(tokens), f.scratch);
    CHECK(f.outputs(tokens) == expected);
  }
  CHECK(cache.size() == 2);
  CHECK(cache.counts().eager_calls == 4);
  CHECK(cache.counts().captures == 2);
  CHECK(cache.counts().replays == 16);
  CHECK(cache.counts().failed_captures == 0);
}

TEMPLATE_LIST_TEST_CASE("whatever a launch depends on makes another key", "[graph_cache]",
                        Backends) {
  Fixture<TestType> f;
  GraphCache<TestType> cache(f.session.backend, f.layer, {.warm_up_calls = 0});
  const auto residual = f.session.backend.template allocate<float>(f.elements(kMaxTokens));
  const auto live = f.session.backend.template allocate<std::int32_t>(1);
  const std::vector<std::int32_t> two{2};  // outlives its upload, as does halves
  const std::vector<float> halves(f.elements(kMaxTokens), 0.5F);
  f.session.upload(live.span(), two);
  f.session.upload(residual.span(), halves);
  f.session.backend.synchronize(f.session.stream);
  const MoeScratch<TestType> other(f.session.backend,
                                   plan_workspace(f.layer_case.config, kMaxTokens));
  const auto call = [&](const MoeInputs& inputs, const MoeScratch<TestType>& scratch) {
    cache.forward(f.session.stream, inputs, scratch);
    f.session.backend.synchronize(f.session.stream);
    return cache.size();
  };
  MoeInputs inputs = f.inputs(4);
  CHECK(call(inputs, f.scratch) == 1);
  CHECK(call(inputs, other) == 2);
  inputs.live_tokens = live.span();
  CHECK(call(inputs, f.scratch) == 3);
  inputs.residual = {residual.span().data(), DType::f32, 4, f.layer_case.config.hidden_size};
  CHECK(call(inputs, f.scratch) == 4);
  CHECK(call(f.inputs(3), f.scratch) == 5);
  CHECK(call(f.inputs(4), f.scratch) == 5);
  CHECK(cache.counts().captures == 5);
  CHECK(cache.counts().replays == 6);
}

TEMPLATE_LIST_TEST_CASE("the graph unused for longest makes room", "[graph_cache]", Backends) {
  Fixture<TestType> f;
  GraphCache<TestType> cache(f.session.backend, f.layer, {.max_graphs = 2, .warm_up_calls = 0});
  for (const std::int64_t tokens : {1, 2, 1, 3, 1, 2}) {
    const std::vector<float> expected = f.eager(tokens);
    cache.forward(f.session.stream, f.inputs(tokens), f.scratch);
    CHECK(f.outputs(tokens) == expected);
    CHECK(cache.size() <= 2);
  }
  CHECK(cache.counts().captures == 4);  // 1, 2, 3, and 2 again
  CHECK(cache.counts().evictions == 2);
  cache.clear();
  CHECK(cache.size() == 0);
}

TEMPLATE_LIST_TEST_CASE("the host path stays eager, and an outer capture takes the forward in",
                        "[graph_cache]", Backends) {
  Fixture<TestType> host({.route_path = RoutePath::host});
  GraphCache<TestType> host_cache(host.session.backend, host.layer, {.warm_up_calls = 0});
  for (int call = 0; call < 3; ++call)
    host_cache.forward(host.session.stream, host.inputs(4), host.scratch);
  host.session.backend.synchronize(host.session.stream);
  CHECK(host_cache.counts().eager_calls == 3);
  CHECK(host_cache.size() == 0);

  Fixture<TestType> f;
  GraphCache<TestType> cache(f.session.backend, f.layer, {.warm_up_calls = 0});
  const auto graph = f.session.backend.capture(
      f.session.stream, [&] { cache.forward(f.session.stream, f.inputs(4), f.scratch); });
  const std::vector<float> expected = f.eager(4);
  f.session.backend.fill(f.session.stream, as_writable_bytes(f.output.span()), std::byte{0xff});
  f.session.backend.replay(f.session.stream, graph);
  CHECK(f.outputs(4) == expected);
}

TEMPLATE_LIST_TEST_CASE("a bad call throws and leaves the cache usable", "[graph_cache]",
                        Backends) {
  Fixture<TestType> f;
  GraphCache<TestType> cache(f.session.backend, f.layer, {.warm_up_calls = 0});
  MoeInputs bad = f.inputs(4);
  bad.output.data = nullptr;
  CHECK_THROWS_AS(cache.forward(f.session.stream, bad, f.scratch), Error);
  CHECK_THROWS_AS(cache.forward(f.session.stream, f.inputs(kMaxTokens + 1), f.scratch), Error);
  CHECK(!f.session.stream.is_capturing());
  const std::vector<float> expected = f.eager(4);
  cache.forward(f.session.stream, f.inputs(4), f.scratch);
  CHECK(f.outputs(4) == expected);
  CHECK_THROWS_AS(GraphCache<TestType>(f.session.backend, f.layer, {.max_graphs = 0}), Error);
  CHECK_THROWS_AS(GraphCache<TestType>(f.session.backend, f.layer, {.warm_up_calls = -1}), Error);
  CHECK_THROWS_AS(GraphCache<TestType>(f.session.backend, f.layer, {.retry_calls = 0}), Error);
}

TEST_CASE("a failed capture runs eagerly and is tried again later", "[graph_cache]") {
  Fixture<FlakyBackend> f;
  GraphCache<FlakyBackend> cache(f.session.backend, f.layer,
                                 {.warm_up_calls = 0, .retry_calls = 3});
  f.session.backend.failures_left = 2;
  const std::vector<float> expected = f.eager(4);
  for (int call = 0; call < 12; ++call) {
    f.session.backend.fill(f.session.stream, as_writable_bytes(f.output.span()), std::byte{0xff});
    cache.forward(f.session.stream, f.inputs(4), f.scratch);
    CHECK(f.outputs(4) == expected);
  }
  // Two failures, each followed by three eager calls; the third capture holds.
  CHECK(cache.counts().failed_captures == 2);
  CHECK(cache.counts().eager_calls == 8);
  CHECK(cache.counts().captures == 1);
  CHECK(cache.counts().replays == 4);
}
