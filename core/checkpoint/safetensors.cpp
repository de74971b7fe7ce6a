// SPDX-License-Identifier: Apache-2.0
#include "switchyard/checkpoint/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/checkpoint/file.hpp"
#include "core/checkpoint/safetensors_header.hpp"
#include "core/checkpoint/safetensors_impl.hpp"
#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

std::uint64_t little_endian_u64(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) {
    value = value << 8U | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

/// Checks that the tensors, in any order, cover `data` without overlap or gap.
void check_coverage(std::vector<TensorEntry>& tensors, std::span<const std::byte> data,
                    bool allow_trailing_bytes, std::string_view what) {
  const auto begin = [&](const TensorEntry& t) {
    return static_cast<std::size_t>(t.bytes.data() - data.data());
  };
  std::sort(tensors.begin(), tensors.end(), [&](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(begin(a), a.bytes.size()) < std::pair(begin(b), b.bytes.size());
  });
  std::size_t covered = 0;
  for (const TensorEntry& tensor : tensors) {
    if (begin(tensor) != covered) {
      malformed(
          "{}: tensor {} begins at byte {} of the data, {} the one before it, which ends at {}",
          what, in_quotes(tensor.name), begin(tensor),
          begin(tensor) < covered ? "overlapping" : "leaving a gap behind", covered);
    }
    covered += tensor.bytes.size();
  }
  if (covered != data.size() && !allow_trailing_bytes) {
    malformed("{}: {} bytes follow the last tensor", what, data.size() - covered);
  }
}

void sort_by_name(std::vector<TensorEntry>& tensors, std::string_view what) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorEntry& a, const TensorEntry& b) { return a.name < b.name; });
  const auto twin =
      std::adjacent_find(tensors.begin(), tensors.end(),
                         [](const auto& a, const auto& b) { return a.name == b.name; });
  if (twin != tensors.end()) {
    malformed("{}: duplicate key {}", what, in_quotes(twin->name));
  }
}

}  // namespace

void SafetensorsFile::Impl::parse(std::span<const std::byte> bytes, const ReadOptions& options,
                                  const std::string& what) {
  if (bytes.size() < 8) {
    malformed("{}: is {} bytes long, a safetensors file has at least 8", what, bytes.size());
  }
  const std::uint64_t length = little_endian_u64(bytes);
  if (length > options.max_header_bytes) {
    malformed("{}: header of {} bytes, at most {} are accepted", what, length,
              options.max_header_bytes);
  }
  if (length > bytes.size() - 8) {
    malformed("{}: header of {} bytes, but only {} follow", what, length, bytes.size() - 8);
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  const auto data = bytes.subspan(8 + length);
  parse_safetensors_header(text, data, what, header);
  check_coverage(header.tensors, data, options.allow_trailing_bytes, what);
  sort_by_name(header.tensors, what);
}

std::unique_ptr<const SafetensorsFile::Impl> SafetensorsFile::Impl::from_file(
    FileBytes file, const ReadOptions& options, const std::string& what) {
  auto impl = std::make_unique<Impl>();
  impl->file = std::move(file);
  impl->parse(impl->file.bytes(), options, what);
  return impl;
}

namespace {

void check(const ReadOptions& options) {
  if (options.max_header_bytes > safetensors_limits::kMaxHeaderBytes) {
    fail(ErrorCode::invalid_argument, "max_header_bytes is {}, must be at most {}",
         options.max_header_bytes, safetensors_limits::kMaxHeaderBytes);
  }
}

}  // namespace

bool TensorEntry::aligned() const noexcept {
  const auto element = static_cast<std::uintptr_t>(std::max(bits_of(dtype) / 8, 1));
  return reinterpret_cast<std::uintptr_t>(bytes.data()) % element == 0;
}

SafetensorsFile SafetensorsFile::open(const std::filesystem::path& path,
                                      const ReadOptions& options) {
  return guarded([&] {
    check(options);
    return SafetensorsFile(
        Impl::from_file(read_file(path, options.mode, kAnySize), options, one_line(path.string())));
  });
}

SafetensorsFile SafetensorsFile::from_bytes(std::span<const std::byte> bytes,
                                            const ReadOptions& options) {
  return guarded([&] {
    check(options);
    auto impl = std::make_unique<Impl>();
    impl->parse(bytes, options, "safetensors");
    return SafetensorsFile(std::move(impl));
  });
}

SafetensorsFile::SafetensorsFile(std::unique_ptr<const Impl> impl) noexcept
    : impl_(std::move(impl)) {}
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;
SafetensorsFile::~SafetensorsFile() = default;

std::span<const TensorEntry> SafetensorsFile::tensors() const noexcept {
  return impl_->header.tensors;
}

std::vector<std::string_view> SafetensorsFile::names() const {
  return guarded([&] {
    std::vector<std::string_view> names;
    names.reserve(tensors().size());
    for (const TensorEntry& tensor : tensors()) {
      names.push_back(tensor.name);
    }
    return names;
  });
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const noexcept {
  const auto all = tensors();
  const auto it = std::lower_bound(
      all.begin(), all.end(), name,
      [](const TensorEntry& tensor, std::string_view wanted) { return tensor.name < wanted; });
  return it != all.end() && it->name == name ? &*it : nullptr;
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const noexcept {
  return impl_->header.metadata;
}

}  // namespace switchyard::checkpoint
