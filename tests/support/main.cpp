// SPDX-License-Identifier: Apache-2.0
// The suite, on the backends under test that have a device here.
#include <tuple>

#include "support/backend_list.hpp"
#include "support/runner.hpp"

namespace {

using namespace switchyard::test;

template <class B>
void add_if_absent(std::size_t index, std::vector<AbsentBackend>& absent) {
  const switchyard::DeviceList list = B::devices();
  if (list.devices.empty()) absent.push_back({index, std::string(B::kName), list.reason});
}

template <class... B>
std::vector<AbsentBackend> absent_of(std::tuple<B...>* /*list*/) {
  std::vector<AbsentBackend> absent;
  std::size_t index = 0;
  (add_if_absent<B>(index++, absent), ...);
  return absent;
}

}  // namespace

int main(int argc, char** argv) {
  return run_cases(argc, argv, absent_of(static_cast<Backends*>(nullptr)));
}
