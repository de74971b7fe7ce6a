// SPDX-License-Identifier: Apache-2.0
// The file that compiled pipelines are kept in. Whatever is in it, nothing but the words of this
// very device and driver, whole, comes out of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace switchyard::vulkan {

/// What a driver's cache is good for.
struct CacheOwner {
  std::uint32_t vendor_id = 0;
  std::uint32_t device_id = 0;
  std::array<std::uint8_t, 16> uuid{};

  bool operator==(const CacheOwner&) const = default;
};

/// The cache that write_cache_file left there; empty where there is no such file, where it is cut
/// short, changed or of something else, and where the cache is another owner's.
[[nodiscard]] std::vector<std::byte> read_cache_file(const std::string& path,
                                                     const CacheOwner& owner);

/// Replaces the file at once: whoever reads it meanwhile finds the old one or the new one, whole.
/// Throws Error{io_failure}.
void write_cache_file(const std::string& path, std::span<const std::byte> cache);

}  // namespace switchyard::vulkan
