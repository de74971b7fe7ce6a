// SPDX-License-Identifier: Apache-2.0
// One block of emulated threads. Each is a fiber; barriers and wave collectives are places where
// fibers meet. Between meetings they run in an order shuffled by a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>

#include "backends/simt/fiber.hpp"

namespace switchyard::simt {

inline constexpr std::int32_t kMaxThreads = 256;
inline constexpr std::size_t kSharedLimit = 32 * 1024;
inline constexpr std::size_t kStackBytes = 64 * 1024;
inline constexpr std::size_t kSlotBytes = 16;  // what a lane can publish in one collective

/// A launch as a block sees it.
struct BlockLaunch {
  void (*run_thread)(const void* params) = nullptr;  // the body, on the emulated thread
  const void* params = nullptr;
  std::int64_t num_blocks = 0;
  std::int32_t num_threads = 0;
  std::int32_t wave_size = 0;
  std::size_t shared_bytes = 0;
  std::uint32_t seed = 0;
};

class Block {
 public:
  Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block();

  /// Runs block `index` of the launch to its end. Returns the fault that stopped it, empty if none.
  [[nodiscard]] std::string run(const BlockLaunch& launch, std::int64_t index);

  /// The block whose emulated thread calls.
  [[nodiscard]] static Block& current() noexcept;

  [[nodiscard]] const BlockLaunch& launch() const noexcept { return launch_; }
  [[nodiscard]] std::int64_t index() const noexcept { return index_; }
  [[nodiscard]] std::int32_t thread() const noexcept { return current_; }

  // What an emulated thread asks for. `at` is its place in the source.
  void meet_block(const std::source_location& at);
  void meet_wave(const std::source_location& at);
  /// Publishes `size` bytes to the wave; returns the lanes' slots, valid until the lane's next
  /// meeting.
  [[nodiscard]] const std::byte* exchange(const void* value, std::size_t size,
                                          const std::source_location& at);
  /// The shared array at `offset` bytes, of `size`.
  [[nodiscard]] std::byte* shared_array(std::size_t offset, std::size_t size);
  /// Checks and marks `size` bytes of shared memory at an address.
  void check_read(const void* address, std::size_t size);
  void mark_written(const void* address, std::size_t size);
  void check_index(std::int64_t index, std::int64_t count);

 private:
  /// A place where the threads of a block or wave meet.
  struct Gate {
    std::uint32_t generation = 0;
    std::int32_t arrived = 0;
    std::int32_t ended = 0;
    std::int32_t size = 0;
    const char* file = nullptr;  // where those that arrived wait
    std::uint32_t line = 0;
    std::uint32_t column = 0;
  };
  struct Thread : Fiber {
    const Gate* gate = nullptr;  // waits while gate->generation == seen
    std::uint32_t seen = 0;
    bool ended = true;
  };

  static void entry();
  void start();
  void shuffle_order();
  void meet(Gate& gate, const char* what, const std::source_location& at);
  void end_thread();
  void resume_next(const char* what);
  [[noreturn]] void fail(const char* what, const char* why);

  BlockLaunch launch_;
  std::int64_t index_ = 0;
  std::int32_t current_ = 0;
  bool failed_ = false;
  const char* fault_what_ = nullptr;
  const char* fault_why_ = nullptr;

  // Plain arrays: the engine runs no instrumented accessors.
  std::unique_ptr<Thread[]> threads_;
  std::unique_ptr<std::int32_t[]> order_;  // threads in running order
  std::unique_ptr<std::int32_t[]> place_;  // of a thread in order_
  std::unique_ptr<Gate[]> wave_gates_;
  std::unique_ptr<std::byte[]> stacks_;
  std::unique_ptr<std::byte[]> slots_;   // [wave][parity of the generation][lane]
  std::unique_ptr<std::byte[]> shared_;  // 16-byte aligned by operator new
  std::unique_ptr<bool[]> written_;      // per byte of shared_
  Gate block_gate_;
  Fiber main_;
  SWITCHYARD_TSAN(char launch_token_ = 0; char done_token_ = 0;)
};

}  // namespace switchyard::simt
