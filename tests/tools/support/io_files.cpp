// SPDX-License-Identifier: Apache-2.0
#include "tools/support/io_files.hpp"

#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace switchyard::test {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "switchyard-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("cannot make a temporary directory");
  }
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string golden(std::string_view name) {
  return std::string(SWITCHYARD_GOLDEN_DIR) + "/" + std::string(name);
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SWITCHYARD_GOLDEN_DIR)) {
    if (entry.is_directory()) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

EditableFile EditableFile::open(const std::filesystem::path& path) {
  const auto file = checkpoint::SafetensorsFile::open(path);
  EditableFile result;
  result.metadata = file.metadata();
  for (const checkpoint::TensorEntry& entry : file.tensors()) {
    result.tensors[std::string(entry.name)] = {entry.dtype,
                                               {entry.shape.begin(), entry.shape.end()},
                                               {entry.bytes.begin(), entry.bytes.end()}};
  }
  return result;
}

void EditableFile::write(const std::filesystem::path& path) const {
  std::vector<checkpoint::TensorData> data;
  for (const auto& [name, tensor] : tensors) {
    data.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
  }
  checkpoint::write_safetensors(path, data, metadata);
}

void EditableFile::set(const std::string& name, std::size_t index, float value) {
  std::memcpy(tensors.at(name).bytes.data() + index * sizeof(float), &value, sizeof(float));
}

float EditableFile::get(const std::string& name, std::size_t index) const {
  float value = 0.0F;
  std::memcpy(&value, tensors.at(name).bytes.data() + index * sizeof(float), sizeof(float));
  return value;
}

}  // namespace switchyard::test
