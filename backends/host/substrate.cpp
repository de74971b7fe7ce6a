// SPDX-License-Identifier: Apache-2.0
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "backends/host/processor.hpp"
#include "backends/host/stream.hpp"
#include "switchyard/backends/host.hpp"
#include "switchyard/error.hpp"

namespace switchyard {
namespace {

using host::Command;

constexpr int kMaxThreads = 1024;
constexpr std::size_t kAlignment = 64;

/// From here on an allocation starts at a large page and asks for such: weights are read faster
/// through fewer pages, and 10 % faster by AMX where panels begin with a page.
constexpr std::size_t kLargeBytes = std::size_t{8} << 20U;
constexpr std::size_t kLargePage = std::size_t{2} << 20U;

[[nodiscard]] constexpr std::align_val_t alignment_of(std::size_t bytes) noexcept {
  return std::align_val_t{bytes >= kLargeBytes ? kLargePage : kAlignment};
}

[[nodiscard]] int threads_of_environment() {
  const char* const raw = std::getenv("SWITCHYARD_NUM_THREADS");
  const std::string_view text = raw == nullptr ? "" : raw;
  if (text.empty()) return std::min(host::num_cores(), kMaxThreads);
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc{} || end != text.data() + text.size() || threads < 1 ||
      threads > kMaxThreads)
    throw Error(ErrorCode::invalid_argument, "environment variable SWITCHYARD_NUM_THREADS is '" +
                                                 std::string(text) + "', must be in [1, 1024]");
  return threads;
}

[[nodiscard]] int threads_of(const HostOptions& options) {
  if (options.num_threads == 0)
    return options.executor == nullptr
               ? threads_of_environment()
               : std::clamp(options.executor->num_threads(), 1, kMaxThreads);
  if (options.num_threads < 0 || options.num_threads > kMaxThreads)
    throw Error(ErrorCode::invalid_argument,
                "num_threads is " + std::to_string(options.num_threads) + ", must be in [0, 1024]");
  return options.num_threads;
}

struct CopyParams {
  void* to;
  const void* from;
  std::size_t bytes;
};

struct FillParams {
  void* to;
  std::size_t bytes;
  std::byte value;
};

void require_same_size(std::size_t to, std::size_t from) {
  if (to != from)
    throw Error(ErrorCode::invalid_argument,
                "destination has " + std::to_string(to) +
                    " bytes, must have as many as the source = " + std::to_string(from));
}

[[nodiscard]] Command copy_command(void* to, const void* from, std::size_t bytes) {
  return Command::make(
      [](const Command& command, const host::Worker& /*worker*/) {
        const auto params = command.read<CopyParams>();
        if (params.bytes > 0) std::memmove(params.to, params.from, params.bytes);
      },
      CopyParams{to, from, bytes});
}

[[nodiscard]] Command event_command(Command::EventUse use,
                                    std::shared_ptr<host::EventState> event) {
  Command command;
  command.event_use = use;
  command.event = std::move(event);
  command.run = [](const Command& self, const host::Worker& /*worker*/) {
    if (self.event_use == Command::EventUse::record) {
      self.event->pass(self.event_number);
    } else {
      self.event->wait_for(self.event_number);
    }
  };
  return command;
}

}  // namespace

namespace host {

void* allocate_bytes(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  void* const memory = bytes > static_cast<std::size_t>(PTRDIFF_MAX)
                           ? nullptr
                           : ::operator new(bytes, alignment_of(bytes), std::nothrow);
  if (memory == nullptr)
    throw Error(ErrorCode::out_of_memory,
                "cannot allocate " + std::to_string(bytes) + " bytes of host memory");
#if defined(__linux__)
  // Advice only: what the system makes of it changes no result.
  if (bytes >= kLargeBytes) static_cast<void>(::madvise(memory, bytes, MADV_HUGEPAGE));
#endif
  return memory;
}

void free_bytes(void* memory, std::size_t bytes) noexcept {
  ::operator delete(memory, alignment_of(bytes));
}

}  // namespace host

HostExecutor::~HostExecutor() = default;

HostSubstrate::Stream::Stream(std::unique_ptr<host::StreamState> state) noexcept
    : state_(std::move(state)) {}
HostSubstrate::Stream::Stream(Stream&&) noexcept = default;
HostSubstrate::Stream& HostSubstrate::Stream::operator=(Stream&&) noexcept = default;
HostSubstrate::Stream::~Stream() = default;
bool HostSubstrate::Stream::is_capturing() const noexcept {
  return state_->is_capturing();
}

HostSubstrate::Graph::Graph(std::vector<host::Command> commands) noexcept
    : commands_(std::move(commands)) {}
HostSubstrate::Graph::Graph(Graph&&) noexcept = default;
HostSubstrate::Graph& HostSubstrate::Graph::operator=(Graph&&) noexcept = default;
HostSubstrate::Graph::~Graph() = default;

HostSubstrate::HostSubstrate(const HostOptions& options, DeviceInfo info)
    : pool_(std::make_unique<host::ThreadPool>(threads_of(options), options.executor)),
      info_(std::move(info)) {}
HostSubstrate::~HostSubstrate() = default;

int HostSubstrate::num_threads() const noexcept {
  return pool_->num_threads();
}

HostSubstrate::Stream HostSubstrate::make_stream() {
  return Stream(std::make_unique<host::StreamState>(*pool_));
}

HostSubstrate::Event HostSubstrate::make_event() {
  return Event(std::make_shared<host::EventState>());
}

void HostSubstrate::upload(Stream& stream, DeviceSpan<std::byte> to,
                           std::span<const std::byte> from) {
  require_same_size(to.size(), from.size());
  stream.state_->push(copy_command(to.data(), from.data(), to.size()));
}

void HostSubstrate::download(Stream& stream, std::span<std::byte> to,
                             DeviceSpan<const std::byte> from) {
  require_same_size(to.size(), from.size());
  stream.state_->refuse_while_capturing("download");
  stream.state_->push(copy_command(to.data(), from.data(), to.size()));
}

void HostSubstrate::copy(Stream& stream, DeviceSpan<std::byte> to,
                         DeviceSpan<const std::byte> from) {
  require_same_size(to.size(), from.size());
  stream.state_->push(copy_command(to.data(), from.data(), to.size()));
}

void HostSubstrate::fill(Stream& stream, DeviceSpan<std::byte> to, std::byte value) {
  stream.state_->push(Command::make(
      [](const Command& command, const host::Worker& /*worker*/) {
        const auto params = command.read<FillParams>();
        if (params.bytes > 0) std::memset(params.to, static_cast<int>(params.value), params.bytes);
      },
      FillParams{to.data(), to.size(), value}));
}

void HostSubstrate::record(Stream& stream, Event& event) {
  stream.state_->push(event_command(Command::EventUse::record, event.state_));
}

void HostSubstrate::wait(Stream& stream, const Event& event) {
  stream.state_->push(event_command(Command::EventUse::wait, event.state_));
}

double HostSubstrate::elapsed_us(const Event& start, const Event& stop) const {
  host::EventState::Clock::time_point from;
  host::EventState::Clock::time_point to;
  if (!start.state_->time_of_pass(from))
    throw Error(ErrorCode::invalid_argument, "start has not passed, must be recorded and passed");
  if (!stop.state_->time_of_pass(to))
    throw Error(ErrorCode::invalid_argument, "stop has not passed, must be recorded and passed");
  return std::chrono::duration<double, std::micro>(to - from).count();
}

void HostSubstrate::push(Stream& stream, const host::Command& command) {
  stream.state_->push(command);
}

void HostSubstrate::synchronize(Stream& stream) {
  stream.state_->synchronize();
}

void HostSubstrate::synchronize(const Event& event) {
  event.state_->wait_for(event.state_->latest());
}

void HostSubstrate::begin_capture(Stream& stream) {
  stream.state_->begin_capture();
}

HostSubstrate::Graph HostSubstrate::end_capture(Stream& stream) {
  return Graph(stream.state_->end_capture());
}

void HostSubstrate::replay(Stream& stream, const Graph& graph) {
  for (const Command& command : graph.commands_) stream.state_->push(command);
}

}  // namespace switchyard
