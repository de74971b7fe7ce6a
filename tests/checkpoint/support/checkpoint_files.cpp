// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/support/checkpoint_files.hpp"

#include <stdlib.h>

#include <fstream>
#include <sstream>

#include "support/catch.hpp"

namespace switchyard::test {

using checkpoint::SafetensorsFile;

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "switchyard-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, std::string_view content) const {
  std::ofstream file(path_ / name, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  REQUIRE(file);
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  REQUIRE(file);
  return text.str();
}

std::filesystem::path golden_model(const std::string& name) {
  return std::filesystem::path(SWITCHYARD_GOLDEN_DIR) / name;
}

ModelCopy::ModelCopy(const std::string& name) {
  for (const char* file : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(golden_model(name) / file, path() / file);
  }
}

void ModelCopy::edit_config(std::string_view from, std::string_view to) const {
  std::string text = read_text(path() / "config.json");
  const std::size_t at = text.find(from);
  INFO(from);
  REQUIRE(at != std::string::npos);
  write("config.json", text.replace(at, from.size(), to));
}

void ModelCopy::add_to_config(std::string_view member) const {
  edit_config("{", "{" + std::string(member) + ",");
}

std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string bytes;
  for (unsigned shift = 0; shift < 64; shift += 8) {
    bytes += static_cast<char>(length >> shift & 0xffU);
  }
  return bytes + std::string(rest);
}

std::string safetensors_bytes(std::string_view header, std::size_t data_bytes) {
  return with_length(header.size(), std::string(header) + std::string(data_bytes, '\0'));
}

SafetensorsFile parse(std::string_view bytes, const checkpoint::ReadOptions& options) {
  return SafetensorsFile::from_bytes(std::as_bytes(std::span(bytes)), options);
}

std::vector<OwnedTensor> read_tensors(const std::filesystem::path& path) {
  const auto file = SafetensorsFile::open(path);
  std::vector<OwnedTensor> tensors;
  for (const checkpoint::TensorEntry& entry : file.tensors()) {
    tensors.push_back({std::string(entry.name),
                       entry.dtype,
                       {entry.shape.begin(), entry.shape.end()},
                       {entry.bytes.begin(), entry.bytes.end()}});
  }
  return tensors;
}

void write_tensors(const std::filesystem::path& path, std::span<const OwnedTensor> tensors) {
  std::vector<checkpoint::TensorData> data;
  for (const OwnedTensor& tensor : tensors) {
    data.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
  }
  checkpoint::write_safetensors(path, data);
}

void check_error(ErrorCode code, const std::vector<std::string>& words,
                 const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    const std::string message = error.what();
    CAPTURE(message, name(code), name(error.code()));
    CHECK(error.code() == code);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.size() < 1000);
    for (const std::string& word : words) {
      CAPTURE(word);
      CHECK(message.find(word) != std::string::npos);
    }
    return;
  }
  FAIL("nothing was thrown");
}

}  // namespace switchyard::test
