// SPDX-License-Identifier: Apache-2.0
// Bad arguments of forward, route and run_experts: code, exact message, nothing enqueued, and that
// a good call works afterwards.
#include <functional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"
#include "validation/bad_case.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// The arguments of a call: T 3, H 8, I 6, E 5, K 2, a shared expert of 4 with a gate, f32.
template <class B>
struct Arguments {
  MoeInputs inputs;
  DeviceRouteScratch<B> route;
  MoeIntermediates<B> intermediates;
};

template <class B>
struct BadCall {
  std::function<void(Arguments<B>&)> spoil;
  std::string message;
  ErrorCode code = ErrorCode::invalid_argument;
};

template <class T>
DeviceSpan<T> shorter(DeviceSpan<T> span) {
  return span.first(span.size() - 1);
}

/// The same memory, one byte further.
template <class T>
T* off_by_a_byte(T* data) {
  return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(data) + 1);
}

template <class B>
std::vector<BadCall<B>> bad_inputs(const Arguments<B>& good) {
  using A = Arguments<B>;
  const auto ids = [](A& a, std::size_t count) {
    a.inputs.router_logits = {};
    a.inputs.selected_ids = {a.route.selected_ids.data(), count};
    a.inputs.pair_weights = {a.route.pair_weights.data(), count};
  };
  return {
      {[](A& a) { a.inputs.hidden_states.rows = -1; },
       "hidden_states.rows is -1, must be in [0, kMaxTokens = 1048576]"},
      {[](A& a) { a.inputs.hidden_states.rows = 1048577; },
       "hidden_states.rows is 1048577, must be in [0, kMaxTokens = 1048576]"},
      {[](A& a) { a.inputs.hidden_states.cols = 9; },
       "hidden_states.cols is 9, must be hidden_size = 8"},
      {[](A& a) { a.inputs.hidden_states.cols = -8; },
       "hidden_states.cols is -8, must be hidden_size = 8"},
      {[](A& a) { a.inputs.hidden_states.dtype = DType::bf16; },
       "hidden_states.dtype is bf16, must be activation_dtype = f32"},
      {[](A& a) { a.inputs.hidden_states.dtype = static_cast<DType>(3); },
       "hidden_states.dtype is 3, must be an enumerator in [0, 2]"},
      {[](A& a) { a.inputs.hidden_states.data = nullptr; },
       "hidden_states.data is null, must hold 3 rows"},
      {[](A& a) { a.inputs.hidden_states.data = off_by_a_byte(a.inputs.hidden_states.data); },
       misaligned("hidden_states", off_by_a_byte(good.inputs.hidden_states.data), 4)},
      {[](A& a) { a.inputs.router_logits.rows = 2; },
       "router_logits.rows is 2, must be num_tokens = 3"},
      {[](A& a) { a.inputs.router_logits.cols = 4; },
       "router_logits.cols is 4, must be num_experts = 5"},
      {[](A& a) { a.inputs.router_logits.dtype = static_cast<DType>(9); },
       "router_logits.dtype is 9, must be an enumerator in [0, 2]"},
      {[](A& a) { a.inputs.router_logits.data = nullptr; },
       "router_logits.data is null, must hold 3 rows"},
      {[](A& a) { a.inputs.router_logits.data = off_by_a_byte(a.inputs.router_logits.data); },
       misaligned("router_logits", off_by_a_byte(good.inputs.router_logits.data), 4)},
      {[](A& a) { a.inputs.router_logits = {}; },
       "router_logits is absent, must be given where the layer has no router weight"},
      {[](A& a) {
         a.inputs.selected_ids = a.route.selected_ids;
         a.inputs.pair_weights = a.route.pair_weights;
       },
       "router_logits is given, must be absent where selected_ids is given"},
      {[ids](A& a) { ids(a, 5); }, "selected_ids has 5 elements, must have num_tokens * top_k = 6"},
      {[ids](A& a) {
         ids(a, 6);
         a.inputs.selected_ids = {};
       },
       "selected_ids has 0 elements, must have num_tokens * top_k = 6"},
      {[ids](A& a) {
         ids(a, 6);
         a.inputs.pair_weights = {};
       },
       "pair_weights has 0 elements, must have num_tokens * top_k = 6"},
      {[ids](A& a) {
         ids(a, 6);
         a.inputs.selected_ids = {nullptr, 6};
       },
       "selected_ids.data is null, must hold 6 elements"},
      {[ids](A& a) {
         ids(a, 6);
         a.inputs.pair_weights = {nullptr, 6};
       },
       "pair_weights.data is null, must hold 6 elements"},
      {[ids](A& a) {
         ids(a, 6);
         a.inputs.selected_ids = {off_by_a_byte(a.inputs.selected_ids.data()), 6};
       },
       misaligned("selected_ids", off_by_a_byte(good.route.selected_ids.data()), 4)},
      {[](A& a) {
         a.inputs.live_tokens = {a.route.total_post_pad.data(), 2};
       },
       "live_tokens has 2 elements, must have 0 or 1"},
      {[](A& a) {
         a.inputs.live_tokens = {nullptr, 1};
       },
       "live_tokens.data is null, must hold 1 element"},
      {[](A& a) {
         a.inputs.live_tokens = {off_by_a_byte(a.route.total_post_pad.data()), 1};
       },
       misaligned("live_tokens", off_by_a_byte(good.route.total_post_pad.data()), 4)},
  };
}

template <class B>
std::vector<BadCall<B>> bad_outputs() {
  using A = Arguments<B>;
  return {
      {[](A& a) {
         a.inputs.residual = {a.inputs.output.data, DType::f32, 2, 8};
       },
       "residual.rows is 2, must be num_tokens = 3"},
      {[](A& a) {
         a.inputs.residual = {a.inputs.output.data, DType::f32, 3, 7};
       },
       "residual.cols is 7, must be hidden_size = 8"},
      {[](A& a) {
         a.inputs.residual = {a.inputs.output.data, DType::f16, 3, 8};
       },
       "residual.dtype is f16, must be activation_dtype = f32"},
      {[](A& a) {
         a.inputs.residual = {nullptr, DType::f32, 3, 8};
       },
       "residual.data is null, must hold 3 rows"},
      {[](A& a) { a.inputs.output.rows = 4; }, "output.rows is 4, must be num_tokens = 3"},
      {[](A& a) { a.inputs.output.cols = 0; }, "output.cols is 0, must be hidden_size = 8"},
      {[](A& a) { a.inputs.output.dtype = DType::f16; },
       "output.dtype is f16, must be activation_dtype = f32"},
      {[](A& a) { a.inputs.output = {}; }, "output.rows is 0, must be num_tokens = 3"},
      {[](A& a) { a.inputs.output.data = nullptr; }, "output.data is null, must hold 3 rows"},
  };
}

/// Rows for a plan of block size 16: 6 pairs over 5 experts need padded_capacity 96.
template <class B>
std::vector<BadCall<B>> bad_plan_buffers(const Arguments<B>& good) {
  using A = Arguments<B>;
  constexpr ErrorCode kCapacity = ErrorCode::capacity_exceeded;
  const auto slots = [](A& a, std::size_t count) {
    a.route.sorted_tokens = {a.route.sorted_tokens.data(), count};
  };
  return {
      {[](A& a) { a.route.selected_ids = shorter(a.route.selected_ids); },
       "selected_ids holds 5 elements, must hold at least num_tokens * top_k = 6", kCapacity},
      {[](A& a) { a.route.pair_weights = shorter(a.route.pair_weights); },
       "pair_weights holds 5 elements, must hold at least num_tokens * top_k = 6", kCapacity},
      {[](A& a) { a.route.pairs_by_token = shorter(a.route.pairs_by_token); },
       "pairs_by_token holds 5 elements, must hold at least num_tokens * top_k = 6", kCapacity},
      {[](A& a) { a.route.packed_token_idx = shorter(a.route.packed_token_idx); },
       "packed_token_idx holds 5 elements, must hold at least num_tokens * top_k = 6", kCapacity},
      {[](A& a) { a.route.expert_offsets = shorter(a.route.expert_offsets); },
       "expert_offsets holds 5 elements, must hold at least num_local_experts + 1 = 6", kCapacity},
      {[slots](A& a) { slots(a, 95); },
       "sorted_tokens holds 95 elements, must hold at least padded_capacity = 96", kCapacity},
      {[](A& a) { a.route.block_ids = a.route.block_ids.first(5); },
       "block_ids holds 5 elements, must hold at least padded_capacity / block_size = 6",
       kCapacity},
      {[](A& a) { a.route.total_post_pad = {}; },
       "total_post_pad holds 0 elements, must hold at least 1", kCapacity},
      {[](A& a) { a.route = {}; },
       "selected_ids holds 0 elements, must hold at least num_tokens * top_k = 6", kCapacity},
      {[](A& a) {
         a.route.selected_ids = {nullptr, 6};
       },
       "selected_ids.data is null, must hold 6 elements"},
      {[](A& a) {
         a.route.sorted_tokens = {nullptr, 96};
       },
       "sorted_tokens.data is null, must hold 96 elements"},
      {[](A& a) {
         a.route.block_ids = {off_by_a_byte(a.route.block_ids.data()), 6};
       },
       misaligned("block_ids", off_by_a_byte(good.route.block_ids.data()), 4)},
      {[](A& a) {
         a.route.selected_ids = {a.route.selected_ids.data(), std::size_t{1} << 31U};
       },
       "selected_ids holds 2147483648 elements, must hold at most 2147483647"},
      {[](A& a) {
         a.route.pair_weights = {a.route.pair_weights.data(), 7};
       },
       "pair_weights holds 7 elements, must hold as many as selected_ids = 6"},
      {[](A& a) {
         a.route.expert_offsets = {a.route.expert_offsets.data(), 7};
       },
       "expert_offsets holds 7 elements, must hold num_local_experts + 1 = 6"},
      {[](A& a) {
         a.route.total_post_pad = {a.route.total_post_pad.data(), 2};
       },
       "total_post_pad holds 2 elements, must hold 1"},
  };
}

template <class B>
std::vector<BadCall<B>> bad_intermediates(const Arguments<B>& good) {
  using A = Arguments<B>;
  constexpr ErrorCode kCapacity = ErrorCode::capacity_exceeded;
  return {
      {[](A& a) { a.intermediates.activated = shorter(a.intermediates.activated); },
       "activated holds 143 elements, must hold at least num_tokens * top_k * intermediate_size in "
       "bytes = 144",
       kCapacity},
      {[](A& a) { a.intermediates.expert_rows = shorter(a.intermediates.expert_rows); },
       "expert_rows holds 191 elements, must hold at least num_tokens * top_k * hidden_size in "
       "bytes = 192",
       kCapacity},
      {[](A& a) { a.intermediates.shared_activated = {}; },
       "shared_activated holds 0 elements, must hold at least num_tokens * "
       "shared_expert.intermediate_size in bytes = 48",
       kCapacity},
      {[](A& a) { a.intermediates.shared_rows = shorter(a.intermediates.shared_rows); },
       "shared_rows holds 95 elements, must hold at least num_tokens * hidden_size in bytes = 96",
       kCapacity},
      {[](A& a) { a.intermediates.shared_gate = shorter(a.intermediates.shared_gate); },
       "shared_gate holds 2 elements, must hold at least num_tokens = 3", kCapacity},
      {[](A& a) {
         a.intermediates.activated = {nullptr, 144};
       },
       "activated.data is null, must hold 144 elements"},
      {[](A& a) {
         a.intermediates.expert_rows = {off_by_a_byte(a.intermediates.expert_rows.data()), 192};
       },
       misaligned("expert_rows", off_by_a_byte(good.intermediates.expert_rows.data()), 4)},
  };
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("bad arguments of a call are refused before anything is enqueued",
                        "[validation]", Backends) {
  Session<TestType> session;
  const LayerCase layer_case = call_layer(false);
  const CallCase call = good_call(layer_case);
  LayerOptions options;
  options.block_size = 16;
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host(),
                           options);
  CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[1]);
  Arguments<TestType> good{memory.inputs(), memory.route(), memory.intermediates()};
  const auto plan = layer.forward(session.stream, good.inputs, good.intermediates, &good.route);
  const std::vector<std::byte> expected = memory.output();

  enum Calls { kForward = 1, kRoute = 2, kRunExperts = 4 };
  std::int64_t rows = 0;
  const auto check = [&](const std::vector<BadCall<TestType>>& table, int calls) {
    for (const BadCall<TestType>& row : table) {
      INFO(row.message);
      Arguments<TestType> bad = good;
      row.spoil(bad);
      const auto refuse = [&](auto&& enqueue) {
        session.backend.fill(session.stream,
                             {static_cast<std::byte*>(good.inputs.output.data), expected.size()},
                             std::byte{0x6b});
        expect_error(enqueue, row.code, row.message);
        CHECK(memory.output() == std::vector<std::byte>(expected.size(), std::byte{0x6b}));
      };
      if ((calls & kForward) != 0) {
        refuse([&] {
          static_cast<void>(
              layer.forward(session.stream, bad.inputs, bad.intermediates, &bad.route));
        });
      }
      if ((calls & kRoute) != 0) {
        refuse([&] {
          static_cast<void>(layer.route(session.stream, bad.inputs, bad.intermediates, &bad.route));
        });
      }
      if ((calls & kRunExperts) != 0) {
        refuse([&] {
          layer.run_experts(session.stream, bad.inputs, bad.intermediates,
                            {bad.route, plan.block_size});
        });
      }
      static_cast<void>(
          layer.forward(session.stream, good.inputs, good.intermediates, &good.route));
      CHECK(memory.output() == expected);
      ++rows;
    }
  };
  auto inputs = bad_inputs(good);
  check(inputs, kForward | kRoute);
  check(bad_outputs<TestType>(), kForward | kRunExperts);
  good.route.sorted_tokens = good.route.sorted_tokens.first(96);  // what block size 16 needs
  good.route.block_ids = good.route.block_ids.first(6);
  check(bad_plan_buffers(good), kForward | kRoute | kRunExperts);
  check(bad_intermediates(good), kForward | kRunExperts);
  CHECK(rows >= 56);

  for (const std::int32_t block_size : {0, 8, -16, 48}) {
    expect_error(
        [&] {
          layer.run_experts(session.stream, good.inputs, good.intermediates,
                            {good.route, block_size});
        },
        ErrorCode::invalid_argument,
        "plan.block_size is " + std::to_string(block_size) + ", must be 16, 32 or 64");
  }
  CHECK(memory.intact());
}

TEMPLATE_LIST_TEST_CASE("logits that the layer computes need room", "[validation]", Backends) {
  Session<TestType> session;
  const LayerCase layer_case = call_layer(true);
  CallCase call = good_call(layer_case);
  call.router_logits = Tensor();
  MoeLayer<TestType> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  CallMemory<TestType> memory(session, layer_case.config, call, Placement::slab, kPoisons[1]);
  MoeIntermediates<TestType> small = memory.intermediates();
  small.router_logits = shorter(small.router_logits);
  for (const bool bundle : {true, false}) {
    expect_error(
        [&] {
          static_cast<void>(layer.forward(session.stream, memory.inputs(), small,
                                          bundle ? &memory.route() : nullptr));
        },
        ErrorCode::capacity_exceeded,
        "router_logits holds 14 elements, must hold at least num_tokens * num_experts = 15");
  }
  CHECK(run_call(session, layer, call).intact);
}
