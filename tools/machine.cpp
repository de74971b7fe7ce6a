// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace switchyard::tools {
namespace {

// The number that a file begins with; 0 where there is none.
std::uint64_t read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

std::uint64_t meminfo_available() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kibibytes = 0;
  std::string unit;
  while (file >> key >> kibibytes) {
    std::getline(file, unit);
    if (key == "MemAvailable:") {
      return kibibytes * 1024U;
    }
  }
  return 0;
}

}  // namespace

std::uint64_t available_memory() {
  std::uint64_t available = meminfo_available();
  const std::uint64_t limit = read_number("/sys/fs/cgroup/memory.max");
  const std::uint64_t used = read_number("/sys/fs/cgroup/memory.current");
  if (limit > 0) {
    const std::uint64_t left = limit > used ? limit - used : 1;
    available = available == 0 ? left : std::min(available, left);
  }
  return available;
}

std::uint64_t last_level_cache() {
  std::uint64_t largest = 0;
  for (int index = 0; index < 8; ++index) {
    const std::uint64_t kibibytes =
        read_number(fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/size", index));
    largest = std::max(largest, kibibytes * 1024U);
  }
#if defined(_SC_LEVEL3_CACHE_SIZE)
  // Virtual machines may report a slice in one place and the whole cache in the other.
  largest =
      std::max(largest, static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_LEVEL3_CACHE_SIZE))));
#endif
  return largest == 0 ? std::uint64_t{32} << 20U : largest;
}

}  // namespace switchyard::tools
