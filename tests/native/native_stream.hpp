// SPDX-License-Identifier: Apache-2.0
// A GPU backend on streams that the caller made, by the vendor's own calls. Native offers them:
// Backend, create, destroy, begin_capture, end_capture (the captured graph, instantiated), launch,
// destroy_graph, synchronize, current_device, last_error.
#pragma once

#include <vector>

#include "support/catch.hpp"
#include "support/run_call.hpp"

namespace switchyard::test {

template <class Native>
void check_borrowed_streams() {
  using B = typename Native::Backend;
  Session<B> session;
  Random random(86);
  const LayerCase layer_case = random_layer(random, {48, 32, 10, false});
  CallCase call = random_call(random, layer_case, 12, Routing::gate);
  call.residual_is_output = call.output_is_hidden_states = false;
  MoeLayer<B> layer(session.backend, session.stream, layer_case.config, layer_case.host());
  const Outcome expected = run_call(session, layer, call);
  CallMemory<B> memory(session, layer_case.config, call, Placement::slab, kPoisons[0]);
  session.backend.synchronize(session.stream);

  const auto native = Native::create();
  const int device = Native::current_device();
  {
    typename B::Stream borrowed = session.backend.borrow_stream(native);
    CHECK(borrowed.native() == native);
    const auto forward = [&] {
      static_cast<void>(
          layer.forward(borrowed, memory.inputs(), memory.intermediates(), &memory.route()));
    };
    forward();
    Native::synchronize(native);
    CHECK(memory.output() == expected.output);

    // The caller's own capture.
    memory.rewrite(call);
    CHECK_FALSE(borrowed.is_capturing());
    Native::begin_capture(native);
    CHECK(borrowed.is_capturing());
    forward();
    auto graph = Native::end_capture(native);
    CHECK_FALSE(borrowed.is_capturing());
    for (int i = 0; i < 3; ++i) {
      memory.rewrite(call);
      Native::launch(graph, native);
      Native::synchronize(native);
      CHECK(memory.output() == expected.output);
    }
    Native::destroy_graph(graph);
  }
  // The borrower is gone; the stream is still the caller's.
  Native::synchronize(native);
  Native::destroy(native);
  CHECK(Native::current_device() == device);
  CHECK(Native::last_error() == 0);
}

}  // namespace switchyard::test
