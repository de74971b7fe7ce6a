// SPDX-License-Identifier: Apache-2.0
#include "backends/vulkan/cache_file.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <ios>
#include <random>
#include <system_error>

#include "switchyard/error.hpp"

namespace switchyard::vulkan {
namespace {

constexpr std::uint64_t kMagic = 0x31'45'50'49'50'59'57'53;  // "SWYPIPE1"
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30U;

/// In front of the cache.
struct FileHeader {
  std::uint64_t magic;
  std::uint64_t bytes;  // of the cache
  std::uint64_t hash;   // hash_of the cache
};

/// VkPipelineCacheHeaderVersionOne, with which every cache begins.
struct CacheHeader {
  std::uint32_t header_bytes;
  std::uint32_t version;
  CacheOwner owner;
};
static_assert(sizeof(CacheHeader) == 32);

/// FNV-1a: finds accidents.
[[nodiscard]] std::uint64_t hash_of(std::span<const std::byte> bytes) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte byte : bytes)
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3U;
  return hash;
}

template <class T>
[[nodiscard]] bool read_into(std::ifstream& file, T* to, std::uint64_t bytes) {
  file.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(bytes));
  return file.good();
}

[[nodiscard]] bool is_of(std::span<const std::byte> cache, const CacheOwner& owner) noexcept {
  CacheHeader header{};
  if (cache.size() < sizeof header) return false;
  std::memcpy(&header, cache.data(), sizeof header);
  return header.header_bytes == sizeof header && header.version == 1 && header.owner == owner;
}

/// A name beside `path` that nobody else has.
[[nodiscard]] std::string name_beside(const std::string& path) {
  std::random_device random;
  return path + '.' + std::to_string(random()) + std::to_string(random());
}

}  // namespace

std::vector<std::byte> read_cache_file(const std::string& path, const CacheOwner& owner) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};  // a pipe would never end
  std::ifstream file(path, std::ios::binary);
  FileHeader header{};
  if (!read_into(file, &header, sizeof header)) return {};
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error || header.magic != kMagic || header.bytes > kMaxBytes ||
      header.bytes + sizeof header != size)
    return {};
  std::vector<std::byte> cache(header.bytes);
  if (!read_into(file, cache.data(), header.bytes)) return {};
  if (hash_of(cache) != header.hash || !is_of(cache, owner)) return {};
  return cache;
}

void write_cache_file(const std::string& path, std::span<const std::byte> cache) {
  const FileHeader header{kMagic, cache.size(), hash_of(cache)};
  const std::string written = name_beside(path);
  std::ofstream file(written, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&header), sizeof header);
  file.write(reinterpret_cast<const char*>(cache.data()),
             static_cast<std::streamsize>(cache.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(written, path, error);
  if (file && !error) return;
  std::error_code ignored;
  std::filesystem::remove(written, ignored);
  throw Error(ErrorCode::io_failure, "pipeline_cache '" + path + "' cannot be written");
}

}  // namespace switchyard::vulkan
