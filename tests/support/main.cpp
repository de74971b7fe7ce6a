// SPDX-License-Identifier: Apache-2.0
// The test runner, compiled once.
#if SWITCHYARD_CATCH2_MAJOR >= 3
#include <catch2/catch_session.hpp>

int main(int argc, char** argv) {
  return Catch::Session().run(argc, argv);
}
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
