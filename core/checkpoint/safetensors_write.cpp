// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/checkpoint/safetensors_header.hpp"
#include "core/checkpoint/text.hpp"
#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {
namespace {

/// Indices of the tensors, widest elements first, then by name: each starts aligned.
std::vector<std::size_t> file_order(std::span<const TensorData> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int bits_a = bits_of(tensors[a].dtype);
    const int bits_b = bits_of(tensors[b].dtype);
    return bits_a != bits_b ? bits_a > bits_b : tensors[a].name < tensors[b].name;
  });
  return order;
}

void check(const TensorData& tensor) {
  if (tensor.name == "__metadata__") {
    fail(ErrorCode::invalid_argument, "a tensor's name is \"__metadata__\", which is reserved");
  }
  if (tensor.shape.size() > static_cast<std::size_t>(safetensors_limits::kMaxRank)) {
    fail(ErrorCode::invalid_argument, "tensor {} has {} dimensions, must have at most {}",
         in_quotes(tensor.name), tensor.shape.size(), safetensors_limits::kMaxRank);
  }
  for (const std::int64_t extent : tensor.shape) {
    if (extent < 0 || extent > safetensors_limits::kMaxExtent) {
      fail(ErrorCode::invalid_argument, "tensor {} has an extent of {}, must be in [0, 2^53]",
           in_quotes(tensor.name), extent);
    }
  }
  const std::uint64_t bytes = tensor_bytes(tensor.dtype, tensor.shape, "write_safetensors");
  if (tensor.bytes.size() != bytes) {
    fail(ErrorCode::invalid_argument, "tensor {} has {} bytes, its shape and dtype {} take {}",
         in_quotes(tensor.name), tensor.bytes.size(), name(tensor.dtype), bytes);
  }
}

std::string header_text(std::span<const TensorData> tensors, std::span<const std::size_t> order,
                        const std::map<std::string, std::string>& metadata) {
  auto header = nlohmann::json::object();
  if (!metadata.empty()) {
    header["__metadata__"] = metadata;
  }
  std::uint64_t begin = 0;
  for (const std::size_t index : order) {
    const TensorData& tensor = tensors[index];
    check(tensor);
    if (header.contains(tensor.name)) {
      fail(ErrorCode::invalid_argument, "two tensors have the name {}", in_quotes(tensor.name));
    }
    const std::uint64_t end = begin + tensor.bytes.size();
    header[tensor.name] = {
        {"dtype", name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

void write(const std::filesystem::path& path, std::span<const TensorData> tensors,
           std::span<const std::size_t> order, const std::string& header) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<char>(header.size() >> (8 * i) & 0xffU);
  }
  file.write(length.data(), length.size());
  file.write(header.data(), static_cast<std::streamsize>(header.size()));
  for (const std::size_t index : order) {
    const auto bytes = tensors[index].bytes;
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  file.close();
  if (!file) {
    fail(ErrorCode::io_failure, "{}: cannot be written", one_line(path.string()));
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const TensorData> tensors,
                       const std::map<std::string, std::string>& metadata) {
  guarded([&] {
    const auto order = file_order(tensors);
    std::string header;
    try {
      header = header_text(tensors, order, metadata);
    } catch (const nlohmann::json::exception& error) {
      fail(ErrorCode::invalid_argument, "a name is not valid UTF-8: {}", one_line(error.what()));
    } catch (const Error& error) {
      throw Error(ErrorCode::invalid_argument, error.what());
    }
    write(path, tensors, order, header);
  });
}

}  // namespace switchyard::checkpoint
