// SPDX-License-Identifier: Apache-2.0
// Device memory that tells whether somebody wrote beside it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "switchyard/device_span.hpp"
#include "switchyard/workspace.hpp"

namespace switchyard::test {

/// What memory holds before a call: zeros, NaN as f32, bf16 and f16 and -1 as an integer, and
/// plausible garbage.
inline constexpr std::array<std::byte, 3> kPoisons{std::byte{0x00}, std::byte{0xff},
                                                   std::byte{0xa5}};

/// `count` elements of T at an address aligned as a workspace, filled with `poison`, between two
/// runs of canaries that touch its first and last byte.
template <class B, class T>
class Guarded {
 public:
  Guarded(B& backend, typename B::Stream& stream, std::size_t count, std::byte poison)
      : backend_(&backend),
        memory_(backend.template allocate<std::byte>(kAlignment + 2 * kGuard + count * sizeof(T))) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.span().data());
    first_ = kGuard + (kAlignment - (address + kGuard) % kAlignment) % kAlignment;
    bytes_ = count * sizeof(T);
    count_ = count;
    backend.fill(stream, memory_.span(), kCanary);
    backend.fill(stream, memory_.span().subspan(first_, bytes_), poison);
  }
  Guarded(B& backend, typename B::Stream& stream, std::span<const T> content)
      : Guarded(backend, stream, content.size(), std::byte{}) {
    backend.upload(stream, as_writable_bytes(span()), std::as_bytes(content));
  }

  [[nodiscard]] DeviceSpan<T> span() const {
    return {reinterpret_cast<T*>(memory_.span().data() + first_), count_};
  }

  /// Waits for the stream.
  [[nodiscard]] bool intact(typename B::Stream& stream) const {
    std::vector<std::byte> content(memory_.size());
    backend_->download(stream, content, DeviceSpan<const std::byte>(memory_.span()));
    backend_->synchronize(stream);
    const auto untouched = [](std::byte b) { return b == kCanary; };
    const auto begin = content.begin();
    return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(first_), untouched) &&
           std::all_of(begin + static_cast<std::ptrdiff_t>(first_ + bytes_), content.end(),
                       untouched);
  }

 private:
  static constexpr std::size_t kAlignment = WorkspacePlan::kAlignment;
  static constexpr std::size_t kGuard = 128;
  static constexpr std::byte kCanary{0xc7};

  B* backend_;
  typename B::template Buffer<std::byte> memory_;
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
};

}  // namespace switchyard::test
