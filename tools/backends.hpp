// SPDX-License-Identifier: Apache-2.0
// The backends of this build, by name. A command is written once, as a template over the backend.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "switchyard/backends/host.hpp"
#include "switchyard/built_backends.hpp"
#include "switchyard/default_backend.hpp"
#include "switchyard/error.hpp"

namespace switchyard::tools {

/// Stands for a backend in a function's argument.
template <class B>
struct BackendTag {
  using Type = B;
};

namespace detail {

template <class Visitor, class... Backends>
void for_each_backend(BackendList<Backends...> /*list*/, Visitor& visit) {
  (visit(BackendTag<Backends>{}), ...);
}

}  // namespace detail

/// Calls visit(BackendTag<B>{}) for every backend of this build.
template <class Visitor>
void for_each_backend(Visitor&& visit) {
  detail::for_each_backend(BuiltBackends{}, visit);
}

/// "cpu, cuda".
[[nodiscard]] inline std::string built_backend_names() {
  std::string names;
  for_each_backend([&](auto tag) {
    names += names.empty() ? "" : ", ";
    names += decltype(tag)::Type::kName;
  });
  return names;
}

/// Calls visit(BackendTag<B>{}) for the backend called `name`. Throws Error{invalid_argument} where
/// it is not built in, Error{device_unavailable} where it has no device.
template <class Visitor>
void with_backend(std::string_view name, Visitor&& visit) {
  bool found = false;
  for_each_backend([&](auto tag) {
    using B = typename decltype(tag)::Type;
    if (found || name != B::kName) {
      return;
    }
    found = true;
    const DeviceList list = B::devices();
    if (list.devices.empty()) {
      throw Error(ErrorCode::device_unavailable,
                  "backend '" + std::string(name) + "' has no usable device: " + list.reason);
    }
    visit(tag);
  });
  if (!found) {
    throw Error(
        ErrorCode::invalid_argument,
        "backend '" + std::string(name) + "' is not built in; built: " + built_backend_names());
  }
}

/// Whether device memory of B is host memory and its stages run on host threads.
template <class B>
inline constexpr bool kRunsOnHost = std::is_base_of_v<HostSubstrate, B>;

/// Which device of a backend runs, and how.
struct DeviceChoice {
  int index = 0;        ///< Among those that `switchyard devices` lists.
  int num_threads = 0;  ///< For backends that run on host threads; 0: their default.
};

/// Throws Error{device_unavailable} where the backend has no such device.
template <class B>
[[nodiscard]] B make_backend(const DeviceChoice& choice) {
  const auto count = static_cast<int>(B::devices().devices.size());
  if (choice.index < 0 || choice.index >= count) {
    throw Error(ErrorCode::device_unavailable,
                "device is " + std::to_string(choice.index) + ", must be in [0, number of '" +
                    std::string(B::kName) + "' devices = " + std::to_string(count) + ")");
  }
  if constexpr (kRunsOnHost<B>) {
    return B({.num_threads = choice.num_threads});
  } else {
    return B({.device = choice.index});
  }
}

/// Host threads that run the stages of `backend`; 0 where none do.
template <class B>
[[nodiscard]] int host_threads([[maybe_unused]] const B& backend) {
  if constexpr (kRunsOnHost<B>) {
    return backend.num_threads();
  } else {
    return 0;
  }
}

}  // namespace switchyard::tools
