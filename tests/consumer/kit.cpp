// SPDX-License-Identifier: Apache-2.0
// The core over a backend of the user's own, made of the backend kit: host memory, streams that run
// what they are handed at once, and the library's plain bodies. It has to agree with CpuBackend.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "core/moe_layer_impl.hpp"
#include "kernels/combine/reference.hpp"
#include "kernels/down/reference.hpp"
#include "kernels/gate/reference.hpp"
#include "kernels/gate_up/reference.hpp"
#include "kernels/plan/reference.hpp"
#include "kernels/route/reference.hpp"
#include "switchyard/backends/cpu.hpp"
#include "switchyard/moe_layer.hpp"

namespace mine {

using switchyard::DeviceSpan;

class InlineBackend {
 public:
  static constexpr std::string_view kName = "inline";
  struct LaunchConfig {};

  template <class T>
  class Buffer {
   public:
    explicit Buffer(std::size_t size) : elements_(size) {}
    [[nodiscard]] DeviceSpan<T> span() const noexcept {
      return {const_cast<T*>(elements_.data()), elements_.size()};
    }
    [[nodiscard]] std::size_t size() const noexcept { return elements_.size(); }

   private:
    std::vector<T> elements_;
  };

  using Operations = std::vector<std::function<void()>>;
  struct Graph {
    Operations operations;
  };
  struct Event {
    std::chrono::steady_clock::time_point time;
  };
  struct Stream {
    Operations recorded;
    bool capturing = false;
    [[nodiscard]] bool is_capturing() const noexcept { return capturing; }
  };

  [[nodiscard]] static switchyard::DeviceList devices() { return {{{.name = "caller"}}, ""}; }
  [[nodiscard]] const switchyard::DeviceInfo& info() const noexcept { return info_; }
  template <class T>
  [[nodiscard]] Buffer<T> allocate(std::size_t count) {
    return Buffer<T>(count);
  }
  [[nodiscard]] Stream make_stream() { return {}; }
  [[nodiscard]] Event make_event() { return {}; }

  void upload(Stream& stream, DeviceSpan<std::byte> to, std::span<const std::byte> from) {
    copy(stream, to, {from.data(), from.size()});
  }
  void download(Stream& stream, std::span<std::byte> to, DeviceSpan<const std::byte> from) {
    copy(stream, {to.data(), to.size()}, from);
  }
  void copy(Stream& stream, DeviceSpan<std::byte> to, DeviceSpan<const std::byte> from) {
    run(stream, [=] {
      if (!from.empty()) std::memmove(to.data(), from.data(), from.size());
    });
  }
  void fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value) {
    run(stream, [=] {
      if (!to.empty()) std::memset(to.data(), std::to_integer<int>(value), to.size());
    });
  }
  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& /*config*/,
              const typename Stage::Params& params) {
    run(stream, [params] { run_body(params); });
  }
  void record(Stream& /*stream*/, Event& event) { event.time = std::chrono::steady_clock::now(); }
  void wait(Stream& /*stream*/, const Event& /*event*/) {}
  [[nodiscard]] double elapsed_us(const Event& start, const Event& stop) const {
    return std::chrono::duration<double, std::micro>(stop.time - start.time).count();
  }
  void synchronize(Stream& /*stream*/) {}
  void synchronize(const Event& /*event*/) {}
  template <class Enqueue>
  [[nodiscard]] Graph capture(Stream& stream, Enqueue&& enqueue) {
    stream.capturing = true;
    std::forward<Enqueue>(enqueue)();
    stream.capturing = false;
    return {std::exchange(stream.recorded, {})};
  }
  void replay(Stream& stream, const Graph& graph) {
    for (const auto& operation : graph.operations) run(stream, operation);
  }

 private:
  template <class Params>
  static void run_body(const Params& params) {
    namespace bodies = switchyard::kernels::reference;
    bodies::run(params, 0, bodies::num_tasks(params));
  }
  static void run_body(const switchyard::ProbeStage::Params& /*params*/) {}
  static void run(Stream& stream, std::function<void()> operation) {
    if (stream.capturing) {
      stream.recorded.push_back(std::move(operation));
    } else {
      operation();
    }
  }

  switchyard::DeviceInfo info_{.name = "caller"};
};
static_assert(switchyard::Backend<InlineBackend>);

}  // namespace mine

template class switchyard::MoeScratch<mine::InlineBackend>;
template class switchyard::MoeLayer<mine::InlineBackend>;

namespace {

using namespace switchyard;

/// A backend as it comes; of the CPU, the bodies that others are checked against.
template <class B>
B make() {
  if constexpr (std::is_same_v<B, CpuBackend>) {
    return CpuBackend({.bodies = CpuBodies::reference});
  } else {
    return B();
  }
}

template <class B>
std::vector<float> output_of() {
  const LayerConfig config{.hidden_size = 8, .intermediate_size = 4, .num_experts = 4, .top_k = 2};
  const auto ramp = [](std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = static_cast<float>((i * 37U) % 19U) / 16.0F - 0.5F;
    }
    return values;
  };
  const auto gate_up = ramp(4 * 8 * 8), down = ramp(4 * 8 * 4), router = ramp(4 * 8);
  const auto states = ramp(3 * 8);
  HostMoeWeights weights;
  weights.gate_up = {std::as_bytes(std::span(gate_up)), DType::f32, {4, 8, 8}};
  weights.down = {std::as_bytes(std::span(down)), DType::f32, {4, 8, 4}};
  weights.router = {std::as_bytes(std::span(router)), DType::f32, {1, 4, 8}};

  B backend = make<B>();
  auto stream = backend.make_stream();
  MoeLayer<B> layer(backend, stream, config, weights);
  const MoeScratch<B> scratch(backend, plan_workspace(config, 3));
  const auto hidden = backend.template allocate<float>(3 * 8);
  const auto output = backend.template allocate<float>(3 * 8);
  backend.upload(stream, as_writable_bytes(hidden.span()), std::as_bytes(std::span(states)));
  MoeInputs inputs;
  inputs.hidden_states = {hidden.span().data(), DType::f32, 3, 8};
  inputs.output = {output.span().data(), DType::f32, 3, 8};
  const auto graph = backend.capture(stream, [&] { layer.forward(stream, inputs, scratch); });
  backend.replay(stream, graph);
  std::vector<float> result(3 * 8);
  backend.download(stream, std::as_writable_bytes(std::span(result)), as_bytes(output.span()));
  backend.synchronize(stream);
  return result;
}

}  // namespace

int main() {
  const auto mine_says = output_of<mine::InlineBackend>();
  const bool right = mine_says == output_of<CpuBackend>() && mine_says != std::vector<float>(3 * 8);
  std::printf("a backend of the user's own: %s\n", right ? "right" : "WRONG");
  return right ? 0 : 1;
}
