// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <numeric>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

constexpr int kNumDtypes = static_cast<int>(TensorDType::f64) + 1;

std::vector<std::byte> counting_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::byte>(i * 37 + 11);
  }
  return bytes;
}

/// Every dtype with several shapes, empty ones and scalars among them.
std::vector<OwnedTensor> every_kind() {
  const std::vector<std::vector<std::int64_t>> shapes{
      {8}, {2, 4}, {1, 1, 8}, {0}, {3, 0, 5}, {2, 1, 2, 1, 2, 1, 1, 1}, {}};
  std::vector<OwnedTensor> tensors;
  for (int d = 0; d < kNumDtypes; ++d) {
    const auto dtype = static_cast<TensorDType>(d);
    for (std::size_t s = 0; s < shapes.size(); ++s) {
      const auto elements =
          std::accumulate(shapes[s].begin(), shapes[s].end(), std::int64_t{1}, std::multiplies<>());
      const auto bits = static_cast<std::size_t>(elements * bits_of(dtype));
      if (bits % 8 == 0) {
        tensors.push_back({std::string(name(dtype)) + "." + std::to_string(s), dtype, shapes[s],
                           counting_bytes(bits / 8)});
      }
    }
  }
  return tensors;
}

void check_same(const SafetensorsFile& file, const std::vector<OwnedTensor>& tensors) {
  REQUIRE(file.tensors().size() == tensors.size());
  for (const OwnedTensor& tensor : tensors) {
    INFO(tensor.name);
    const TensorEntry* entry = file.find(tensor.name);
    REQUIRE(entry != nullptr);
    CHECK(entry->name == tensor.name);
    CHECK(entry->dtype == tensor.dtype);
    CHECK(std::vector(entry->shape.begin(), entry->shape.end()) == tensor.shape);
    CHECK(std::vector(entry->bytes.begin(), entry->bytes.end()) == tensor.bytes);
    CHECK(entry->bytes.data() != nullptr);
  }
}

}  // namespace

TEST_CASE("every dtype and shape comes back from a file, mapped or read") {
  const Folder folder;
  const auto tensors = every_kind();
  REQUIRE(tensors.size() > 140);
  write_tensors(folder.path() / "a.safetensors", tensors);
  for (const ReadMode mode : {ReadMode::map, ReadMode::buffer}) {
    const auto file = SafetensorsFile::open(folder.path() / "a.safetensors", {.mode = mode});
    check_same(file, tensors);
    CHECK(file.metadata().empty());
    CHECK(file.find("absent") == nullptr);
    CHECK(file.find("") == nullptr);
    const auto names = file.names();
    CHECK(std::is_sorted(names.begin(), names.end()));
    CHECK(names.size() == tensors.size());
  }
}

TEST_CASE("a file that is moved keeps its views") {
  const Folder folder;
  const auto tensors = every_kind();
  write_tensors(folder.path() / "a.safetensors", tensors);
  auto first = SafetensorsFile::open(folder.path() / "a.safetensors", {.mode = ReadMode::buffer});
  const std::byte* before = first.find("F32.1")->bytes.data();
  SafetensorsFile second = std::move(first);
  CHECK(second.find("F32.1")->bytes.data() == before);
  check_same(second, tensors);
}

TEST_CASE("names and metadata of any UTF-8 come back") {
  const Folder folder;
  const std::map<std::string, std::string> metadata{
      {"format", "pt"},
      {"", "empty key"},
      {"quote\"back\\slash", "line\nbreak\ttab"},
      {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\x83", "\xc3\xbc"},
      {"nul", std::string("a\0b", 3)}};
  const std::array<float, 1> value{1.5F};
  const std::vector<std::string> names{"", "a.b", "\xc3\xbc", "\"", "\\u0041", "x\ny"};
  std::vector<TensorData> tensors;
  for (const std::string& name : names) {
    tensors.push_back({name, TensorDType::f32, {1}, std::as_bytes(std::span(value))});
  }
  write_safetensors(folder.path() / "a.safetensors", tensors, metadata);
  const auto file = SafetensorsFile::open(folder.path() / "a.safetensors");
  CHECK(file.metadata() == metadata);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(file.find(name) != nullptr);
  }
}

TEST_CASE("the writer aligns every tensor and gives the same bytes for the same input") {
  const Folder folder;
  const auto tensors = every_kind();
  write_tensors(folder.path() / "a", tensors);
  write_tensors(folder.path() / "b", tensors);
  CHECK(read_text(folder.path() / "a") == read_text(folder.path() / "b"));
  const auto file = SafetensorsFile::open(folder.path() / "a");
  for (const TensorEntry& entry : file.tensors()) {
    INFO(entry.name);
    CHECK((entry.aligned() || entry.bytes.empty()));
  }
  write_tensors(folder.path() / "a", {});
  CHECK(SafetensorsFile::open(folder.path() / "a").tensors().empty());
}

TEST_CASE("a tensor at an odd address is read and said to be misaligned") {
  const auto bytes = safetensors_bytes(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}})",
                                       9);
  alignas(8) std::array<char, 256> memory{};
  for (const std::size_t shift : {0U, 1U, 2U, 3U}) {
    std::memcpy(memory.data() + shift, bytes.data(), bytes.size());
    const auto file = parse({memory.data() + shift, bytes.size()});
    const TensorEntry* b = file.find("b");
    REQUIRE(b != nullptr);
    CHECK(b->bytes.size() == 8);
    CHECK(b->aligned() == (reinterpret_cast<std::uintptr_t>(b->bytes.data()) % 4 == 0));
    CHECK(file.find("a")->aligned());
  }
}

TEST_CASE("white space around the header's JSON and \\u escapes are accepted") {
  const auto file = parse(safetensors_bytes(
      "{ \"\\u0061\" : {\"shape\":[ 1 , 2 ],\n\t\"dtype\":\"I16\", \"data_offsets\":[0,4]} }   ",
      4));
  REQUIRE(file.find("a") != nullptr);
  CHECK(file.find("a")->shape.size() == 2);
}

TEST_CASE("dtype names: each parses to itself, nothing else parses") {
  for (int d = 0; d < kNumDtypes; ++d) {
    const auto dtype = static_cast<TensorDType>(d);
    CHECK(parse_tensor_dtype(name(dtype)) == dtype);
    CHECK(bits_of(dtype) >= 4);
  }
  for (const char* text : {"", "f32", "F32 ", "F128", "BFLOAT16"}) {
    CHECK_FALSE(parse_tensor_dtype(text).has_value());
  }
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    CHECK(to_dtype(to_tensor_dtype(dtype)) == dtype);
    CHECK(bits_of(to_tensor_dtype(dtype)) == static_cast<int>(8 * size_of(dtype)));
  }
  CHECK_FALSE(to_dtype(TensorDType::f64).has_value());
}

TEST_CASE("the writer refuses what a reader would") {
  const Folder folder;
  const std::array<float, 2> values{};
  const auto bytes = std::as_bytes(std::span(values));
  const auto write = [&](std::vector<TensorData> tensors) {
    write_safetensors(folder.path() / "a", tensors);
  };
  const auto refused = [&](const std::vector<std::string>& words, std::vector<TensorData> tensors) {
    check_error(ErrorCode::invalid_argument, words, [&] { write(tensors); });
    CHECK_FALSE(std::filesystem::exists(folder.path() / "a"));
  };
  using D = TensorDType;
  refused({"\"x\"", "8 bytes", "F32", "12"}, {{"x", D::f32, {3}, bytes}});
  refused({"two tensors", "\"x\""}, {{"x", D::f32, {2}, bytes}, {"x", D::f32, {2}, bytes}});
  refused({"__metadata__", "reserved"}, {{"__metadata__", D::f32, {2}, bytes}});
  refused({"extent of -1"}, {{"x", D::f32, {-1}, bytes}});
  refused({"9 dimensions"}, {{"x", D::f32, {2, 1, 1, 1, 1, 1, 1, 1, 1}, bytes}});
  refused({"64-bit"}, {{"x", D::f32, {1LL << 40U, 1LL << 40U}, bytes}});
  refused({"UTF-8"}, {{"\xff", D::f32, {2}, bytes}});
  refused({"whole number of bytes"}, {{"x", D::f4, {3}, bytes}});
  check_error(ErrorCode::io_failure, {"cannot be written"},
              [&] { write_safetensors(folder.path() / "no" / "such" / "folder", {}); });
  write({{"x", D::f32, {2}, bytes}});
  CHECK(SafetensorsFile::open(folder.path() / "a").tensors().size() == 1);
}
