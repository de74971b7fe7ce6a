// SPDX-License-Identifier: Apache-2.0
/// \file
/// A strict reader of one safetensors file, and a writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchyard/dtype.hpp"
#include "switchyard/export.hpp"

namespace switchyard::checkpoint {

/// Element types of the format. The list is closed: a file with another one is malformed.
enum class TensorDType : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  i64,
  u64,
  f64,
};

/// Bits of one element; 4 and 6 for the packed types.
[[nodiscard]] SWITCHYARD_API int bits_of(TensorDType dtype) noexcept;

/// The format's spelling: "F32", "BF16", "BOOL", ...
[[nodiscard]] SWITCHYARD_API std::string_view name(TensorDType dtype) noexcept;

/// The dtype that name() prints as `text`, or nothing.
[[nodiscard]] SWITCHYARD_API std::optional<TensorDType> parse_tensor_dtype(
    std::string_view text) noexcept;

/// The library's dtype with the same elements, or nothing.
[[nodiscard]] SWITCHYARD_API std::optional<DType> to_dtype(TensorDType dtype) noexcept;

/// The format's dtype with the same elements.
[[nodiscard]] SWITCHYARD_API TensorDType to_tensor_dtype(DType dtype) noexcept;

/// One tensor of a file. Views into the file, valid as long as it is.
struct TensorEntry {
  std::string_view name;
  TensorDType dtype = TensorDType::f32;
  std::span<const std::int64_t> shape;  ///< At most 8 extents; none: a scalar.
  std::span<const std::byte> bytes;     ///< At any alignment; see aligned().

  /// Whether bytes begins at an address that the element type asks for.
  [[nodiscard]] SWITCHYARD_API bool aligned() const noexcept;
};

/// Bounds of the reader. Nothing in a file raises them.
namespace safetensors_limits {
inline constexpr std::uint64_t kMaxHeaderBytes = 100ULL << 20U;  ///< The reference reader's bound.
inline constexpr std::size_t kMaxStringBytes = 64U << 10U;       ///< A name, a metadata value.
inline constexpr std::size_t kMaxTensors = 1'000'000;
inline constexpr std::size_t kMaxMetadata = 4096;  ///< Entries of __metadata__.
inline constexpr int kMaxDepth = 4;                ///< Nesting of the header's JSON.
inline constexpr int kMaxRank = 8;
inline constexpr std::int64_t kMaxExtent = 1LL << 53U;
}  // namespace safetensors_limits

/// How a file is read.
enum class ReadMode : std::uint8_t {
  map,     ///< Memory-mapped, read-only. A file that shrinks meanwhile raises SIGBUS on access.
  buffer,  ///< Read into memory first: what happens to the file later has no effect.
};

/// Choices of SafetensorsFile::open and of what opens files by it.
struct ReadOptions {
  ReadMode mode = ReadMode::map;
  /// Longest header accepted, at most safetensors_limits::kMaxHeaderBytes.
  std::uint64_t max_header_bytes = safetensors_limits::kMaxHeaderBytes;
  /// Accept bytes behind the last tensor. Some writers leave them; they may hide another format.
  bool allow_trailing_bytes = false;
};

/// A safetensors file. The file is treated as hostile: the header is bounded, parsed as a strict
/// subset of JSON without duplicate or unknown keys, and the tensors' ranges, which equal shape x
/// dtype, cover the data exactly, without overlap or gap. Memory while reading, beside the file's
/// own bytes: at most four headers and 1 MiB. Immutable, shareable between threads.
class SWITCHYARD_API SafetensorsFile {
 public:
  /// Throws Error{io_failure}, Error{malformed_file}, Error{out_of_memory}, or
  /// Error{invalid_argument} for bad options.
  [[nodiscard]] static SafetensorsFile open(const std::filesystem::path& path,
                                            const ReadOptions& options = {});

  /// A file that is in memory already. Borrows `bytes`; options.mode is not used.
  [[nodiscard]] static SafetensorsFile from_bytes(std::span<const std::byte> bytes,
                                                  const ReadOptions& options = {});

  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;
  ~SafetensorsFile();

  /// Every tensor, sorted by name.
  [[nodiscard]] std::span<const TensorEntry> tensors() const noexcept;
  /// The names of tensors().
  [[nodiscard]] std::vector<std::string_view> names() const;
  /// The tensor of that name, or null.
  [[nodiscard]] const TensorEntry* find(std::string_view name) const noexcept;
  /// The file's __metadata__; empty where it has none.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept;

 private:
  friend class TensorStore;
  struct Impl;
  explicit SafetensorsFile(std::unique_ptr<const Impl> impl) noexcept;
  std::unique_ptr<const Impl> impl_;
};

/// A tensor to write. Borrows.
struct TensorData {
  std::string name;
  TensorDType dtype = TensorDType::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  ///< Exactly the elements of shape.
};

/// Writes a file that SafetensorsFile opens, every tensor aligned to its element. The same input
/// gives the same bytes. An existing file is replaced. Throws Error{invalid_argument} for a tensor
/// whose bytes do not fit its shape, a duplicate or reserved or non-UTF-8 name, and
/// Error{io_failure}.
SWITCHYARD_API void write_safetensors(const std::filesystem::path& path,
                                      std::span<const TensorData> tensors,
                                      const std::map<std::string, std::string>& metadata = {});

}  // namespace switchyard::checkpoint
