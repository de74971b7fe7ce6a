// SPDX-License-Identifier: Apache-2.0
#if SWITCHYARD_CATCH2_MAJOR >= 3
#include <catch2/catch_session.hpp>
#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <cstdio>

#include "support/runner.hpp"

namespace {

#if SWITCHYARD_CATCH2_MAJOR >= 3
using ListenerBase = Catch::EventListenerBase;
#else
using ListenerBase = Catch::TestEventListenerBase;
#endif

/// Knows whether a case has run.
struct RunListener : ListenerBase {
  using ListenerBase::ListenerBase;
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    ListenerBase::testCaseStarting(info);
    any = true;
  }
  static inline bool any = false;
};
CATCH_REGISTER_LISTENER(RunListener)

/// The cases that `filters` choose (each an alternative or several, by commas) without those of
/// `absent`.
std::string without(const std::vector<std::string>& filters,
                    const std::vector<switchyard::test::AbsentBackend>& absent) {
  std::string left_out;
  for (const auto& backend : absent)
    left_out += "~\"* - Backends - " + std::to_string(backend.index) + "\" ";
  std::string narrowed = left_out;
  if (filters.empty()) narrowed += "~[.]";
  for (const std::string& filter : filters)
    for (std::size_t i = 0; i < filter.size(); ++i) {
      narrowed += filter[i];
      if (filter[i] == ',' && (i == 0 || filter[i - 1] != '\\')) narrowed += left_out;
    }
  return narrowed;
}

}  // namespace

int switchyard::test::run_cases(int argc, char** argv, const std::vector<AbsentBackend>& absent) {
  Catch::Session session;
  if (const int status = session.applyCommandLine(argc, argv); status != 0) return status;
  if (absent.empty()) return session.run();
  for (const AbsentBackend& backend : absent)
    std::printf("skipped: %s: %s\n", backend.name.c_str(), backend.reason.c_str());
  std::fflush(stdout);
  auto& filters = session.configData().testsOrTags;
  filters = {without(filters, absent)};
  const int status = session.run();
  return status == 0 && !RunListener::any ? kAllSkipped : status;
}
