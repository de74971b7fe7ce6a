// SPDX-License-Identifier: Apache-2.0
#include "backends/host/processor.hpp"

#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

namespace switchyard::host {
namespace {

/// The processor's name as Linux reports it.
[[nodiscard]] std::string model_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (const auto colon = line.find(": ");
        line.starts_with("model name") && colon != std::string::npos)
      return line.substr(colon + 2);
  return "CPU";
}

}  // namespace

int num_cores() noexcept {
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : static_cast<int>(cores);
}

DeviceInfo describe_processor() {
  DeviceInfo info;
  info.name = model_name();
  info.memory_bytes = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  info.compute_units = num_cores();
  return info;
}

}  // namespace switchyard::host
