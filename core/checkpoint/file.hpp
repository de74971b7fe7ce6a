// SPDX-License-Identifier: Apache-2.0
// Files of a model directory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The bytes of a regular file, mapped read-only or read. They stay where they are when the object
/// moves.
class FileBytes {
 public:
  FileBytes() = default;
  /// `name` is for messages. Throws Error{io_failure} where the file is not a regular one, or
  /// Error{malformed_file} where it is longer than max_bytes.
  FileBytes(const Descriptor& file, ReadMode mode, std::uint64_t max_bytes,
            const std::string& name);
  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&& other) noexcept;
  ~FileBytes();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  std::unique_ptr<std::byte[]> buffer_;  // null: bytes_ is a mapping, or empty
};

/// Opens the file that the caller named, following links.
[[nodiscard]] FileBytes read_file(const std::filesystem::path& path, ReadMode mode,
                                  std::uint64_t max_bytes);

/// Which symbolic links are followed.
enum class Links : std::uint8_t {
  any,        ///< For names that the library chose: the link is its maker's choice, as the path is.
  hub_cache,  ///< For names that a file chose: only "../../blobs/NAME" to a regular file, as in the
              ///< cache of a model hub.
};

/// A model directory. Files are opened by their plain name, inside it.
class Directory {
 public:
  explicit Directory(const std::filesystem::path& path);

  /// Whether an entry of that name exists, whatever it is.
  [[nodiscard]] bool has(const std::string& name) const;
  [[nodiscard]] FileBytes read(const std::string& name, Links links, ReadMode mode,
                               std::uint64_t max_bytes) const;
  /// The file's path, for messages.
  [[nodiscard]] std::string path_of(const std::string& name) const;

 private:
  /// Opens what a link of the cache leads to; no descriptor, and errno, where that fails.
  [[nodiscard]] Descriptor open_cached(const std::string& name) const;

  std::filesystem::path path_;
  Descriptor directory_;
};

/// Whether `name` names an entry of a directory: no separator, not "." or "..", no control byte.
[[nodiscard]] bool is_plain_name(std::string_view name) noexcept;

inline constexpr std::uint64_t kAnySize = UINT64_MAX;

}  // namespace switchyard::checkpoint
