// SPDX-License-Identifier: Apache-2.0
/// \file
/// The CPU backend: tuned bodies for what the processor has, and the readable ones that check all
/// others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "switchyard/backend.hpp"
#include "switchyard/backends/host.hpp"
#include "switchyard/expert_matrices.hpp"
#include "switchyard/export.hpp"
#include "switchyard/forward_path.hpp"

namespace switchyard {

namespace cpu {
struct Bodies;
}

/// Which bodies a CpuBackend runs. All of them route alike, bit for bit; the matrix products differ
/// in the order of their sums. Where weights are copied, avx2, avx512 and neon give the same bits;
/// so do avx512_bf16 and amx unless weights and activations are both bf16: then they multiply
/// pairs, which takes denormal numbers for zero.
enum class CpuBodies : std::uint8_t {
  automatic,    ///< The fastest that the processor has, else `reference`.
  reference,    ///< Readable and portable: the oracle of the others.
  avx2,         ///< x86-64 with AVX2, FMA and F16C.
  avx512,       ///< x86-64 with AVX-512 F, BW, DQ and VL beside that.
  neon,         ///< AArch64.
  amx,          ///< x86-64 with AMX tiles of bf16 beside `avx512`.
  avx512_bf16,  ///< x86-64 with AVX512_BF16 beside `avx512`.
};

/// "automatic", "reference", "avx2", "avx512", "neon", "amx" or "avx512_bf16".
[[nodiscard]] SWITCHYARD_API std::string_view name(CpuBodies bodies) noexcept;

/// What a processor can do, as far as bodies need it.
struct CpuFeatures {
  bool avx2 = false;         ///< AVX2, FMA and F16C.
  bool avx512 = false;       ///< AVX-512 F, BW, DQ and VL.
  bool neon = false;         ///< Advanced SIMD of AArch64.
  bool amx = false;          ///< AMX tiles and their products of bf16.
  bool avx512_bf16 = false;  ///< Products of pairs of bf16 in AVX-512's vectors.

  bool operator==(const CpuFeatures&) const = default;
};

/// What this processor can do, and the system lets programs use.
[[nodiscard]] SWITCHYARD_API CpuFeatures cpu_features() noexcept;

/// Choices of a CpuBackend.
struct CpuOptions {
  int num_threads = 0;               ///< As HostOptions::num_threads.
  HostExecutor* executor = nullptr;  ///< As HostOptions::executor.
  /// `automatic` asks the environment variable SWITCHYARD_CPU_BODIES, which holds a name of
  /// CpuBodies, first.
  CpuBodies bodies = CpuBodies::automatic;
  /// Hides features of the processor. Unset: none.
  std::optional<CpuFeatures> features{};
};

/// A Backend that runs the stages on host memory. Expert matrices are repacked at load, unless its
/// bodies are the reference ones or the layer borrows them.
class SWITCHYARD_API CpuBackend : public HostSubstrate {
 public:
  static constexpr std::string_view kName = "cpu";

  /// Throws Error{invalid_argument} for a number of threads out of range or bodies that do not
  /// exist, Error{device_unavailable} for bodies that the processor cannot run.
  explicit CpuBackend(const CpuOptions& options = {});
  ~CpuBackend();

  [[nodiscard]] static DeviceList devices();

  /// What runs; never `automatic`.
  [[nodiscard]] CpuBodies bodies() const noexcept;

  /// The name of its bodies.
  [[nodiscard]] std::string describe_products(const ForwardCall& call) const;

  [[nodiscard]] WeightLayout layout_of(const ExpertMatrices& matrices) const noexcept;
  [[nodiscard]] std::size_t packed_bytes(const ExpertMatrices& matrices,
                                         WeightLayout layout) const noexcept;
  void repack(Stream& stream, DeviceSpan<std::byte> to, const ExpertMatrices& matrices,
              WeightLayout layout, const HostTensor& from);

  /// Bodies are defined in kernels/<stage> and backends/cpu; a stage without one does not link.
  template <class Stage>
  void launch(Stream& stream, const LaunchConfig& config, const typename Stage::Params& params);

 private:
  std::unique_ptr<cpu::Bodies> bodies_;
};

static_assert(Backend<CpuBackend>);
static_assert(RepackingBackend<CpuBackend>);
static_assert(BorrowingBackend<CpuBackend>);
static_assert(DescribingBackend<CpuBackend>);

}  // namespace switchyard
