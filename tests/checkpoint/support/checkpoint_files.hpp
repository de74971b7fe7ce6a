// SPDX-License-Identifier: Apache-2.0
// Files that the tests write, right ones and wrong ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "switchyard/checkpoint/safetensors.hpp"
#include "switchyard/error.hpp"

namespace switchyard::test {

/// A folder that goes with the object.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  void write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::string read_text(const std::filesystem::path& path);
[[nodiscard]] std::filesystem::path golden_model(const std::string& name);

/// A copy of a golden layer.
class ModelCopy : public Folder {
 public:
  explicit ModelCopy(const std::string& name);

  /// Replaces `from`, which occurs in config.json, by `to`.
  void edit_config(std::string_view from, std::string_view to) const;
  /// Adds a member to config.json, in front of the others.
  void add_to_config(std::string_view member) const;
};

/// Bytes of a safetensors file: the header's length, the header, `data_bytes` zeros.
[[nodiscard]] std::string safetensors_bytes(std::string_view header, std::size_t data_bytes);
[[nodiscard]] std::string with_length(std::uint64_t length, std::string_view rest);
[[nodiscard]] checkpoint::SafetensorsFile parse(std::string_view bytes,
                                                const checkpoint::ReadOptions& options = {});

/// A tensor of a file, with memory of its own.
struct OwnedTensor {
  std::string name;
  checkpoint::TensorDType dtype = checkpoint::TensorDType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

[[nodiscard]] std::vector<OwnedTensor> read_tensors(const std::filesystem::path& path);
void write_tensors(const std::filesystem::path& path, std::span<const OwnedTensor> tensors);

/// Checks that `action` throws Error with that code and a message that has every one of `words`.
void check_error(ErrorCode code, const std::vector<std::string>& words,
                 const std::function<void()>& action);

}  // namespace switchyard::test
