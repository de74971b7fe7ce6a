// SPDX-License-Identifier: Apache-2.0
#include "backends/simt/block.hpp"

#include <cstdlib>

namespace switchyard::simt {
namespace {

thread_local Block* t_block = nullptr;

constexpr std::byte kWritten{0xff};

SWITCHYARD_ENGINE bool same_place(Place a, Place b) {
  return a.line == b.line && a.column == b.column && a.file == b.file;
}

}  // namespace

// What a run reads, it has written: the pages of the stacks stay untouched until they are used.
Block::Block() {}  // NOLINT(modernize-use-equals-default): would fill the arrays with zeros

Block::~Block() {
  discard_threads();
}

/// Frees what sanitizers hold for the threads. Their stacks may be used anew.
void Block::discard_threads() {
  for (std::int32_t i = 0; i < kMaxThreads; ++i) threads_[i].discard();
}

Fault Block::run(const BlockLaunch& launch, std::int64_t index) {
  launch_ = launch;
  index_ = index;
  fault_ = Fault{};
  start();
  if (fault_.what != nullptr) discard_threads();
  return fault_;
}

SWITCHYARD_ENGINE void Block::start() {
  t_block = this;
  const std::int32_t threads = launch_.shape.num_threads;
  for (std::size_t i = 0; i < launch_.shape.shared_bytes; ++i) shared_[i] = std::byte{0xa5};
  for (std::size_t i = 0; i < launch_.shape.shared_bytes; ++i) written_[i] = std::byte{0};
  block_gate_ = Gate{};
  block_gate_.size = threads;
  for (std::int32_t w = 0; w * launch_.wave_size < threads; ++w) {
    wave_gates_[w] = Gate{};
    wave_gates_[w].size = launch_.wave_size;
  }
  shuffle_order();
  for (std::int32_t i = 0; i < threads; ++i) {
    threads_[i].ended = false;
    threads_[i].gate = nullptr;
    threads_[i].prepare(stacks_[i], kStackBytes, &Block::entry);
  }
  SWITCHYARD_ASAN(main_.bottom = nullptr;)  // a host thread of its own each time
  SWITCHYARD_TSAN(main_.tsan = __tsan_get_current_fiber(); __tsan_release(&launch_token_);)
  current_ = order_[0];
  Fiber::switch_between(main_, threads_[current_], false);
  SWITCHYARD_TSAN(__tsan_acquire(&done_token_);)
  t_block = nullptr;
}

/// Fisher and Yates by a multiplicative generator; seed 0 keeps the order of the lanes.
SWITCHYARD_ENGINE void Block::shuffle_order() {
  const std::int32_t threads = launch_.shape.num_threads;
  for (std::int32_t i = 0; i < threads; ++i) order_[i] = i;
  std::uint64_t state = launch_.seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(index_);
  for (std::int32_t i = threads - 1; i > 0 && launch_.seed != 0; --i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto other =
        static_cast<std::int32_t>((state >> 33U) % static_cast<std::uint64_t>(i + 1));
    const std::int32_t swapped = order_[i];
    order_[i] = order_[other];
    order_[other] = swapped;
  }
  for (std::int32_t i = 0; i < threads; ++i) place_[order_[i]] = i;
}

/// Not instrumented, as it never returns: the thread sanitizer would count its frame for ever.
SWITCHYARD_ENGINE void Block::entry() {
  Block& block = *t_block;
  Fiber::entered(block.main_);
  SWITCHYARD_TSAN(__tsan_acquire(&block.launch_token_);)
  bool threw = false;
  try {
    block.launch_.run_thread(block, block.launch_.params);
  } catch (...) {
    threw = true;
  }
  if (threw) block.fail("exception", "a body may not throw");
  block.end_thread();
}

SWITCHYARD_ENGINE void Block::end_thread() {
  Thread& me = threads_[current_];
  me.ended = true;
  Gate* const gates[] = {&block_gate_, &wave_gate()};
  for (Gate* const gate : gates) {
    if (gate->arrived > 0)
      fail({"exit",
            "the thread ends while others wait for it",
            current_,
            {},
            gate->first,
            gate->at});
    gate->ended = current_;
  }
  SWITCHYARD_TSAN(__tsan_release(&done_token_);)
  resume_next("exit", {});
  std::abort();  // not resumed
}

SWITCHYARD_ENGINE Block::Gate& Block::wave_gate() {
  return wave_gates_[current_ / launch_.wave_size];
}

SWITCHYARD_ENGINE void Block::meet(Gate& gate, const char* what, Place at) {
  if (gate.ended >= 0)
    fail({what, "a thread has ended and never arrives", current_, at, gate.ended, {}});
  if (gate.arrived == 0) {
    gate.at = at;
    gate.first = current_;
  } else if (!same_place(gate.at, at)) {
    fail(
        {what, "threads diverged and wait in different places", current_, at, gate.first, gate.at});
  }
  if (++gate.arrived == gate.size) {
    gate.arrived = 0;
    ++gate.generation;
    return;
  }
  Thread& me = threads_[current_];
  me.gate = &gate;
  me.seen = gate.generation;
  resume_next(what, at);
  me.gate = nullptr;
}

/// A meeting that orders memory.
SWITCHYARD_ENGINE void Block::meet_ordered(Gate& gate, const char* what, Place at) {
  SWITCHYARD_TSAN(char* const token = &gate.token[gate.generation & 1U]; __tsan_release(token);)
  meet(gate, what, at);
  SWITCHYARD_TSAN(__tsan_acquire(token);)
}

SWITCHYARD_ENGINE void Block::meet_block(const std::source_location& at) {
  meet_ordered(block_gate_, "barrier", Place(at));
}

SWITCHYARD_ENGINE void Block::meet_wave(const std::source_location& at) {
  meet_ordered(wave_gate(), "wave barrier", Place(at));
}

SWITCHYARD_ENGINE const Slot* Block::exchange(Slot value, const std::source_location& at) {
  Gate& gate = wave_gate();
  const std::int32_t wave = current_ / launch_.wave_size;
  const auto first =
      (wave * 2 + static_cast<std::int32_t>(gate.generation & 1U)) * launch_.wave_size;
  Slot* const slots = slots_ + first;
  slots[current_ % launch_.wave_size] = value;
  meet(gate, "wave collective", Place(at));
  return slots;
}

SWITCHYARD_ENGINE std::byte* Block::shared_array(std::size_t offset, std::int64_t count,
                                                 std::size_t size) {
  const std::size_t limit = launch_.shape.shared_bytes;
  if (count < 0 || offset > limit || static_cast<std::uint64_t>(count) > (limit - offset) / size)
    fail("shared memory", "arrays exceed what the launch asked for");
  return shared_ + offset;
}

SWITCHYARD_ENGINE void Block::check_read(const void* address, std::size_t size) {
  const std::byte* flags = written_ + (static_cast<const std::byte*>(address) - shared_);
  std::uint32_t all = ~0U;
  for (; size >= sizeof all; size -= sizeof all, flags += sizeof all) {
    std::uint32_t four = 0;
    __builtin_memcpy(&four, flags, sizeof four);  // a load, not a call
    all &= four;
  }
  for (std::size_t i = 0; i < size; ++i)
    if (flags[i] != kWritten) all = 0;
  if (all != ~0U) fail("shared memory", "an element is read before it is written");
}

SWITCHYARD_ENGINE void Block::mark_written(const void* address, std::size_t size) {
  std::byte* const flags = written_ + (static_cast<const std::byte*>(address) - shared_);
  for (std::size_t i = 0; i < size; ++i) flags[i] = kWritten;
}

/// Switches to the next thread that can run; to the launcher when all have ended.
SWITCHYARD_ENGINE void Block::resume_next(const char* what, Place at) {
  Thread& me = threads_[current_];
  const std::int32_t threads = launch_.shape.num_threads;
  std::int32_t place = place_[current_];
  const Gate* waits = nullptr;  // where another thread does
  for (std::int32_t step = 0; step < threads; ++step) {
    if (++place == threads) place = 0;
    Thread& next = threads_[order_[place]];
    if (next.ended) continue;
    if (next.gate != nullptr && next.gate->generation == next.seen) {
      if (next.gate != me.gate) waits = next.gate;
      continue;
    }
    if (&next == &me) return;
    current_ = order_[place];
    Fiber::switch_between(me, next, me.ended);
    return;
  }
  if (!me.ended || waits != nullptr)
    fail({what, "deadlock: every thread waits", current_, at, waits == nullptr ? -1 : waits->first,
          waits == nullptr ? Place{} : waits->at});
  Fiber::switch_between(me, main_, true);
}

SWITCHYARD_ENGINE void Block::fail(const char* what, const char* why) {
  fail({what, why, current_, {}, -1, {}});
}

SWITCHYARD_ENGINE void Block::fail(const Fault& fault) {
  fault_ = fault;
  SWITCHYARD_TSAN(__tsan_release(&done_token_);)
  Fiber::switch_between(threads_[current_], main_, true);
  std::abort();  // not resumed
}

}  // namespace switchyard::simt
