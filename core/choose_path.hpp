// SPDX-License-Identifier: Apache-2.0
// Which path a call takes.
#pragma once

#include <optional>

#include "switchyard/forward_path.hpp"

namespace switchyard::core {

/// `wanted` where the backend can run the call so, else the backend's choice.
template <Backend B>
[[nodiscard]] ForwardPath choose_path(const B& backend, const ForwardCall& call,
                                      std::optional<ForwardPath> wanted) {
  if constexpr (FusingBackend<B>) {
    const bool answers = wanted && !(call.plan_only && is_whole_layer(*wanted));
    if (answers && (*wanted == ForwardPath::staged || backend.runs(*wanted, call))) return *wanted;
    return backend.choose_path(call);
  } else {
    return ForwardPath::staged;
  }
}

}  // namespace switchyard::core
