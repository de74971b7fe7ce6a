// SPDX-License-Identifier: Apache-2.0
#include "backends/simt/block.hpp"

#include <cstdlib>

namespace switchyard::simt {
namespace {

thread_local Block* t_block = nullptr;

/// Copies without library calls, which the thread sanitizer would see.
SWITCHYARD_ENGINE void raw_copy(std::byte* to, const std::byte* from, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
}

}  // namespace

Block::Block()
    : threads_(new Thread[kMaxThreads]),
      order_(new std::int32_t[kMaxThreads]),
      place_(new std::int32_t[kMaxThreads]),
      wave_gates_(new Gate[kMaxThreads]),
      stacks_(new std::byte[kStackBytes * kMaxThreads]),
      slots_(new std::byte[2 * kSlotBytes * kMaxThreads]),
      shared_(new std::byte[kSharedLimit]),
      written_(new bool[kSharedLimit]) {
  SWITCHYARD_TSAN(for (int i = 0; i < kMaxThreads; ++i) threads_[i].tsan = __tsan_create_fiber(0);)
}

Block::~Block() {
  SWITCHYARD_TSAN(for (int i = 0; i < kMaxThreads; ++i) __tsan_destroy_fiber(threads_[i].tsan);)
}

Block& Block::current() noexcept {
  return *t_block;
}

std::string Block::run(const BlockLaunch& launch, std::int64_t index) {
  launch_ = launch;
  index_ = index;
  start();
  if (!failed_) return "";
  return std::string(fault_what_) + " in block " + std::to_string(index_) + ", thread " +
         std::to_string(current_) + ": " + fault_why_ + " (wave " +
         std::to_string(launch_.wave_size) + ", seed " + std::to_string(launch_.seed) + ")";
}

SWITCHYARD_ENGINE void Block::start() {
  failed_ = false;
  t_block = this;
  const std::int32_t threads = launch_.num_threads;
  for (std::size_t i = 0; i < launch_.shared_bytes; ++i) shared_[i] = std::byte{0xa5};
  for (std::size_t i = 0; i < launch_.shared_bytes; ++i) written_[i] = false;
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
    threads_[i].prepare(stacks_.get() + static_cast<std::size_t>(i) * kStackBytes, kStackBytes,
                        &Block::entry);
  }
  SWITCHYARD_TSAN(main_.tsan = __tsan_get_current_fiber(); __tsan_release(&launch_token_);)
  current_ = order_[0];
  Fiber::switch_between(main_, threads_[current_], false);
  SWITCHYARD_TSAN(__tsan_acquire(&done_token_);)
  t_block = nullptr;
}

/// Fisher and Yates by a multiplicative generator; seed 0 keeps the order of the lanes.
SWITCHYARD_ENGINE void Block::shuffle_order() {
  for (std::int32_t i = 0; i < launch_.num_threads; ++i) order_[i] = i;
  std::uint64_t state = launch_.seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(index_);
  for (std::int32_t i = launch_.num_threads - 1; i > 0 && launch_.seed != 0; --i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const auto other =
        static_cast<std::int32_t>((state >> 33U) % static_cast<std::uint64_t>(i + 1));
    const std::int32_t swapped = order_[i];
    order_[i] = order_[other];
    order_[other] = swapped;
  }
  for (std::int32_t i = 0; i < launch_.num_threads; ++i) place_[order_[i]] = i;
}

void Block::entry() {
  Block& block = *t_block;
  Fiber::entered(block.main_);
  SWITCHYARD_TSAN(__tsan_acquire(&block.launch_token_);)
  block.launch_.run_thread(block.launch_.params);
  SWITCHYARD_TSAN(__tsan_release(&block.done_token_);)
  block.end_thread();
  std::abort();  // end_thread does not return
}

SWITCHYARD_ENGINE void Block::end_thread() {
  threads_[current_].ended = true;
  Gate* const gates[] = {&block_gate_, &wave_gates_[current_ / launch_.wave_size]};
  for (Gate* const gate : gates) {
    if (gate->arrived > 0)
      fail("exit", "the thread ended while others wait for it at a barrier or collective");
    ++gate->ended;
  }
  resume_next("exit");
}

SWITCHYARD_ENGINE void Block::meet(Gate& gate, const char* what, const std::source_location& at) {
  if (gate.ended > 0) fail(what, "another thread has ended and will never arrive");
  if (gate.arrived == 0) {
    gate.file = at.file_name();
    gate.line = at.line();
    gate.column = at.column();
  } else if (gate.line != at.line() || gate.column != at.column() || gate.file != at.file_name()) {
    fail(what, "threads diverged: they wait in different places");
  }
  Thread& me = threads_[current_];
  if (++gate.arrived == gate.size) {
    gate.arrived = 0;
    ++gate.generation;
    return;
  }
  me.gate = &gate;
  me.seen = gate.generation;
  resume_next(what);
  me.gate = nullptr;
}

SWITCHYARD_ENGINE void Block::meet_block(const std::source_location& at) {
  SWITCHYARD_TSAN(__tsan_release(&block_gate_);)
  meet(block_gate_, "barrier", at);
  SWITCHYARD_TSAN(__tsan_acquire(&block_gate_);)
}

SWITCHYARD_ENGINE void Block::meet_wave(const std::source_location& at) {
  Gate& gate = wave_gates_[current_ / launch_.wave_size];
  SWITCHYARD_TSAN(__tsan_release(&gate);)
  meet(gate, "wave barrier", at);
  SWITCHYARD_TSAN(__tsan_acquire(&gate);)
}

SWITCHYARD_ENGINE const std::byte* Block::exchange(const void* value, std::size_t size,
                                                   const std::source_location& at) {
  const std::int32_t wave = current_ / launch_.wave_size;
  Gate& gate = wave_gates_[wave];
  const auto width = static_cast<std::size_t>(launch_.wave_size);
  const std::size_t parity = gate.generation & 1U;
  std::byte* const slots =
      slots_.get() + (static_cast<std::size_t>(wave) * 2 + parity) * width * kSlotBytes;
  const auto lane = static_cast<std::size_t>(current_ % launch_.wave_size);
  raw_copy(slots + lane * kSlotBytes, static_cast<const std::byte*>(value), size);
  meet(gate, "wave collective", at);
  return slots;
}

SWITCHYARD_ENGINE std::byte* Block::shared_array(std::size_t offset, std::size_t size) {
  if (offset + size > launch_.shared_bytes || offset + size > kSharedLimit)
    fail("shared memory", "arrays exceed what the launch asked for");
  return shared_.get() + offset;
}

SWITCHYARD_ENGINE void Block::check_read(const void* address, std::size_t size) {
  const auto offset =
      static_cast<std::size_t>(static_cast<const std::byte*>(address) - shared_.get());
  for (std::size_t i = 0; i < size; ++i)
    if (!written_[offset + i]) fail("shared memory", "an element is read before it is written");
}

SWITCHYARD_ENGINE void Block::mark_written(const void* address, std::size_t size) {
  const auto offset =
      static_cast<std::size_t>(static_cast<const std::byte*>(address) - shared_.get());
  for (std::size_t i = 0; i < size; ++i) written_[offset + i] = true;
}

SWITCHYARD_ENGINE void Block::check_index(std::int64_t index, std::int64_t count) {
  if (index < 0 || index >= count) fail("shared memory", "an index is outside the array");
}

/// Switches to the next thread that can run; to the launcher when all have ended.
SWITCHYARD_ENGINE void Block::resume_next(const char* what) {
  Thread& me = threads_[current_];
  const std::int32_t threads = launch_.num_threads;
  std::int32_t at = place_[current_];
  for (std::int32_t step = 0; step < threads; ++step) {
    if (++at == threads) at = 0;
    Thread& next = threads_[order_[at]];
    if (next.ended || (next.gate != nullptr && next.gate->generation == next.seen)) continue;
    if (&next == &me) return;
    current_ = order_[at];
    Fiber::switch_between(me, next, me.ended);
    return;
  }
  if (me.ended) {
    bool all_ended = true;
    for (std::int32_t i = 0; i < threads; ++i) all_ended = all_ended && threads_[i].ended;
    if (all_ended) Fiber::switch_between(me, main_, true);
  }
  fail(what, "deadlock: every thread waits");
}

/// Leaves the block for the launcher; its threads are not resumed.
SWITCHYARD_ENGINE void Block::fail(const char* what, const char* why) {
  failed_ = true;
  fault_what_ = what;
  fault_why_ = why;
  SWITCHYARD_TSAN(__tsan_release(&done_token_);)
  Fiber::switch_between(threads_[current_], main_, true);
  std::abort();  // not resumed
}

}  // namespace switchyard::simt
