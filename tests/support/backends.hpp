// SPDX-License-Identifier: Apache-2.0
// The backends under test. A backend gets the whole suite by being in the generated list.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "support/backend_list.hpp"

namespace switchyard::test {

/// How the suite makes a backend. A backend whose constructor needs more specialises it.
template <class B>
struct BackendUnderTest {
  static std::unique_ptr<B> make() { return std::make_unique<B>(); }
};

/// A backend and a stream of it. Sessions may share a backend, where making one takes long.
template <class B>
struct Session {
  std::shared_ptr<B> owner = BackendUnderTest<B>::make();
  B& backend = *owner;
  typename B::Stream stream = backend.make_stream();

  /// `from` stays as it is until the stream has passed the upload.
  template <class T>
  void upload(DeviceSpan<T> to, const std::vector<T>& from) {
    backend.upload(stream, as_writable_bytes(to), std::as_bytes(std::span(from)));
  }

  /// Waits for the stream.
  template <class T>
  [[nodiscard]] std::vector<T> download(DeviceSpan<const T> from) {
    std::vector<T> to(from.size());
    backend.download(stream, std::as_writable_bytes(std::span(to)), as_bytes(from));
    backend.synchronize(stream);
    return to;
  }
  template <class T>
  [[nodiscard]] std::vector<T> download(DeviceSpan<T> from) {
    return download(DeviceSpan<const T>(from));
  }
};

}  // namespace switchyard::test
