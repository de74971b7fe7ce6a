// SPDX-License-Identifier: Apache-2.0
#include "support/runner.hpp"

int main(int argc, char** argv) {
  return switchyard::test::run_cases(argc, argv, {});
}
