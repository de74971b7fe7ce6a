// SPDX-License-Identifier: Apache-2.0
#include "backends/host/processor.hpp"
#include "switchyard/backends/cpu.hpp"

namespace switchyard {

CpuBackend::CpuBackend(const CpuOptions& options)
    : HostSubstrate(options, host::describe_processor()) {}

DeviceList CpuBackend::devices() {
  return {{host::describe_processor()}, ""};
}

}  // namespace switchyard
