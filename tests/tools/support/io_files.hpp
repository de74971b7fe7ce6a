// SPDX-License-Identifier: Apache-2.0
// Files for the command line program: golden ones, and changed copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::test {

/// An empty directory that goes away with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// The directory of a golden layer.
[[nodiscard]] std::string golden(std::string_view name);

/// Names of all golden layers.
[[nodiscard]] std::vector<std::string> golden_names();

/// A safetensors file in memory, to be changed and written.
struct EditableFile {
  struct Tensor {
    checkpoint::TensorDType dtype = checkpoint::TensorDType::f32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  [[nodiscard]] static EditableFile open(const std::filesystem::path& path);
  void write(const std::filesystem::path& path) const;

  /// Element `index` of an f32 tensor.
  void set(const std::string& name, std::size_t index, float value);
  [[nodiscard]] float get(const std::string& name, std::size_t index) const;
};

}  // namespace switchyard::test
