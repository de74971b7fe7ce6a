// SPDX-License-Identifier: Apache-2.0
// AMX tiles are state that the system saves for a process that has asked for it.
#pragma once

namespace switchyard::cpu {

/// Whether the system lets a process ask.
[[nodiscard]] bool tiles_are_supported() noexcept;

/// Asks, for the whole process; false where the system refuses. Asking again is harmless.
[[nodiscard]] bool request_tiles() noexcept;

}  // namespace switchyard::cpu
