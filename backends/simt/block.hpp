// SPDX-License-Identifier: Apache-2.0
// One block of emulated threads. Each is a fiber; barriers and wave collectives are places where
// fibers meet. Between meetings they run in an order shuffled by a seed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/simt/fault.hpp"
#include "backends/simt/fiber.hpp"
#include "kernels/simt.hpp"

namespace switchyard::simt {

using kernels::simt::kMaxSharedBytes;
using kernels::simt::kMaxThreads;

inline constexpr std::size_t kStackBytes = 64 * 1024;

/// What a lane can publish in one collective: passed in registers.
struct Slot {
  std::uint64_t words[2];
};

class Block;

/// A launch as a block sees it.
struct BlockLaunch {
  void (*run_thread)(Block& block, const void* params) = nullptr;  // the body, on each thread
  const void* params = nullptr;
  kernels::simt::LaunchShape shape;
  std::int32_t wave_size = 0;
  std::uint32_t seed = 0;
};

/// Large: 16 MiB of stacks.
class Block {
 public:
  Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block();

  /// Runs block `index` of the launch to its end or first fault, and returns that. The threads of a
  /// faulty block are left where they are: what they own is not destroyed.
  [[nodiscard]] Fault run(const BlockLaunch& launch, std::int64_t index);

  [[nodiscard]] const BlockLaunch& launch() const noexcept { return launch_; }
  [[nodiscard]] std::int64_t index() const noexcept { return index_; }
  [[nodiscard]] std::int32_t thread() const noexcept { return current_; }

  // What an emulated thread asks for. `at` is its place in the source.
  void meet_block(const std::source_location& at);
  void meet_wave(const std::source_location& at);
  /// Publishes a value to the wave; returns the slots of its lanes, valid until this lane's next
  /// meeting.
  [[nodiscard]] const Slot* exchange(Slot value, const std::source_location& at);
  /// The shared array at `offset` bytes, of `count` elements of `size` bytes.
  [[nodiscard]] std::byte* shared_array(std::size_t offset, std::int64_t count, std::size_t size);
  /// Checks and marks `size` bytes of shared memory at an address.
  void check_read(const void* address, std::size_t size);
  void mark_written(const void* address, std::size_t size);

  /// Leaves the block for the launcher with a fault of the thread that runs.
  [[noreturn]] void fail(const char* what, const char* why);

 private:
  /// A place where the threads of a block or wave meet.
  struct Gate {
    std::uint32_t generation = 0;
    std::int32_t size = 0;
    std::int32_t arrived = 0;
    std::int32_t first = 0;   // of those that arrived
    Place at;                 // where they wait
    std::int32_t ended = -1;  // a thread that will never arrive
    // What the thread sanitizer orders memory by. Two, used in turn: a thread that is late to leave
    // a meeting learns nothing of what the others did between that and the next one.
    SWITCHYARD_TSAN(char token[2] = {};)
  };
  struct Thread : Fiber {
    const Gate* gate = nullptr;  // waits while gate->generation == seen
    std::uint32_t seen = 0;
    bool ended = true;
  };

  static void entry();
  void start();
  void shuffle_order();
  [[nodiscard]] Gate& wave_gate();
  void meet(Gate& gate, const char* what, Place at);
  void meet_ordered(Gate& gate, const char* what, Place at);
  [[noreturn]] void end_thread();
  void resume_next(const char* what, Place at);
  [[noreturn]] void fail(const Fault& fault);
  void discard_threads();

  BlockLaunch launch_;
  std::int64_t index_ = 0;
  std::int32_t current_ = 0;
  Fault fault_;

  // Arrays, as the engine may call no instrumented accessor.
  Thread threads_[kMaxThreads];
  std::int32_t order_[kMaxThreads];  // threads in running order
  std::int32_t place_[kMaxThreads];  // of a thread in order_
  Gate wave_gates_[kMaxThreads];
  Slot slots_[2 * kMaxThreads];  // [wave][parity of the generation][lane]
  alignas(kernels::simt::kSharedAlignment) std::byte shared_[kMaxSharedBytes];
  std::byte written_[kMaxSharedBytes];  // per byte of shared_
  alignas(64) std::byte stacks_[kMaxThreads][kStackBytes];
  Gate block_gate_;
  Fiber main_;
  SWITCHYARD_TSAN(char launch_token_ = 0; char done_token_ = 0;)
};

}  // namespace switchyard::simt
