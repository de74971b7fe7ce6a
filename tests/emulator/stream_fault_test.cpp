// SPDX-License-Identifier: Apache-2.0
// How a fault reaches the caller of a backend: by the stream's next synchronize.
#include <string>

#include "backends/host/command.hpp"
#include "emulator/support/emulator.hpp"
#include "support/catch.hpp"
#include "switchyard/backends/host.hpp"

using namespace switchyard;
using namespace switchyard::test;

namespace {

/// Thread 3 misses the barrier if `broken`; else each thread counts.
struct SometimesBody {
  struct Params {
    std::int32_t* counts = nullptr;  ///< [64]
    std::int32_t broken = 0;
  };
  static constexpr std::string_view kName = "sometimes";

  template <class Ctx>
  static void run(Ctx& ctx, const Params& params) {
    if (params.broken != 0 && ctx.thread() == 3) return;
    ctx.sync();
    ++params.counts[ctx.thread()];
  }
};

/// The substrate that the emulator runs on, with a body of this test.
template <int Wave>
class OneBodyBackend : public HostSubstrate {
 public:
  OneBodyBackend() : HostSubstrate({2}, {}), engine_(9) {}

  void launch(Stream& stream, const SometimesBody::Params& params) {
    auto command = host::Command::make(
        [](const host::Command& queued, const host::Worker& worker) {
          simt::run_body<SometimesBody, Wave>(*static_cast<simt::Engine*>(queued.owner),
                                              worker.pool, {1, 64, 0},
                                              queued.read<SometimesBody::Params>());
        },
        params);
    command.owner = &engine_;
    push(stream, command);
  }

 private:
  simt::Engine engine_;
};

}  // namespace

TEMPLATE_TEST_CASE_SIG("a stream reports the fault once and is usable again", "[emulator]",
                       ((int Wave), Wave), 8, 32, 64) {
  OneBodyBackend<Wave> backend;
  auto stream = backend.make_stream();
  std::int32_t counts[64] = {};
  backend.launch(stream, {counts, 0});
  backend.launch(stream, {counts, 1});
  backend.launch(stream, {counts, 0});  // behind the fault: skipped
  std::string message;
  try {
    backend.synchronize(stream);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::device_failure);
    message = error.what();
  }
  INFO(message);
  CHECK(message.starts_with("sometimes: "));
  CHECK(message.find("thread 3") != std::string::npos);
  CHECK(message.ends_with(run_text(Wave, 9)));
  for (const std::int32_t count : counts) CHECK(count == 1);

  backend.launch(stream, {counts, 0});
  backend.synchronize(stream);
  for (const std::int32_t count : counts) CHECK(count == 2);
}
