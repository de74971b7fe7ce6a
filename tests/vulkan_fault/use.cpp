// SPDX-License-Identifier: Apache-2.0
#include "vulkan_fault/use.hpp"

#include <cstddef>
#include <span>
#include <stdexcept>
#include <vector>

#include "kernels/combine/params.hpp"
#include "vulkan_fault/fault_loader.hpp"

namespace switchyard::fault {
namespace {

constexpr std::size_t kWidth = 33;

}  // namespace

Calls use(VulkanBackend& backend) {
  auto stream = backend.make_stream();
  auto other = backend.make_stream();
  auto start = backend.make_event();
  auto stop = backend.make_event();
  const auto added = backend.allocate<float>(kWidth);
  const auto sum = backend.allocate<float>(kWidth);
  const auto skipped = backend.allocate<PackedRow>(1);
  const std::vector<float> ones(kWidth, 1.0F);
  backend.upload(stream, as_writable_bytes(added.span()), std::as_bytes(std::span(ones)));
  backend.fill(stream, as_writable_bytes(sum.span()), std::byte{0});
  backend.fill(stream, as_writable_bytes(skipped.span()), std::byte{0xff});

  kernels::CombineParams params{};  // sum += added
  params.pairs_by_token = skipped.span().data();
  params.shared_rows = added.span().data();
  params.residual = sum.span().data();
  params.output = sum.span().data();
  params.num_tokens = 1;
  params.top_k = 1;
  params.hidden_size = static_cast<std::int32_t>(kWidth);
  const auto add = [&](VulkanBackend::Stream& on) {
    backend.launch<kernels::Combine>(on, {}, params);
  };
  backend.record(stream, start);
  add(stream);
  backend.record(stream, stop);
  backend.wait(other, stop);
  add(other);
  backend.synchronize(other);
  static_cast<void>(backend.elapsed_us(start, stop));
  const auto inner = backend.capture(stream, [&] { add(stream); });
  const auto graph = backend.capture(stream, [&] {
    backend.replay(stream, inner);
    backend.upload(stream, as_writable_bytes(added.span()), std::as_bytes(std::span(ones)));
    backend.record(stream, stop);
    add(stream);
  });
  for (int i = 0; i < 20; ++i) backend.replay(stream, graph);
  std::vector<float> result(kWidth);
  backend.download(stream, std::as_writable_bytes(std::span(result)), as_bytes(sum.span()));
  backend.synchronize(stop);
  backend.synchronize(stream);
  if (result != std::vector<float>(kWidth, 42.0F)) throw std::logic_error("a result is wrong");
  return {switchyard_fault_calls(), switchyard_fault_calls_that_tell_loss()};
}

}  // namespace switchyard::fault
