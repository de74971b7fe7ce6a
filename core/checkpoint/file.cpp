// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

constexpr std::string_view kBlobPrefix = "../../blobs/";
// O_NONBLOCK: a FIFO or a device is refused instead of waited for.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

[[noreturn]] void fail_errno(const std::string& name, std::string_view what) {
  const int error = errno;
  fail(ErrorCode::io_failure, "{}: {}: {}", name, what, std::system_category().message(error));
}

std::unique_ptr<std::byte[]> read_all(int fd, std::size_t size, const std::string& name) {
  auto buffer = std::make_unique_for_overwrite<std::byte[]>(size);
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(fd, buffer.get() + done, size - done, static_cast<off_t>(done));
    if (got < 0 && errno != EINTR) {
      fail_errno(name, "cannot be read");
    }
    if (got == 0) {
      fail(ErrorCode::io_failure, "{}: shrank to {} bytes while it was read", name, done);
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  return buffer;
}

/// Opens directory/../../blobs/blob, following no link on the way.
Descriptor open_blob(int directory, std::string_view blob) {
  const Descriptor blobs(
      ::openat(directory, "../../blobs", O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW));
  if (!blobs) {
    return Descriptor();
  }
  return Descriptor(::openat(blobs.get(), std::string(blob).c_str(), kReadFlags | O_NOFOLLOW));
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

FileBytes::FileBytes(const Descriptor& file, ReadMode mode, std::uint64_t max_bytes,
                     const std::string& name) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    fail_errno(name, "cannot be examined");
  }
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorCode::io_failure, "{}: is not a regular file", name);
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > max_bytes) {
    malformed("{}: is {} bytes long, at most {} are accepted", name, size, max_bytes);
  }
  if (size == 0) {
    return;
  }
  if (mode == ReadMode::buffer) {
    buffer_ = read_all(file.get(), size, name);
    bytes_ = {buffer_.get(), size};
    return;
  }
  void* mapping = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (mapping == MAP_FAILED) {
    fail_errno(name, "cannot be mapped");
  }
  bytes_ = {static_cast<const std::byte*>(mapping), size};
}

FileBytes::FileBytes(FileBytes&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})), buffer_(std::move(other.buffer_)) {}

FileBytes& FileBytes::operator=(FileBytes&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

FileBytes::~FileBytes() {
  if (!buffer_ && !bytes_.empty()) {
    ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

FileBytes read_file(const std::filesystem::path& path, ReadMode mode, std::uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), kReadFlags));
  if (!file) {
    fail_errno(one_line(path.string()), "cannot be opened");
  }
  return FileBytes(file, mode, max_bytes, one_line(path.string()));
}

Directory::Directory(const std::filesystem::path& path)
    : path_(path), directory_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)) {
  if (!directory_) {
    fail_errno(one_line(path.string()), "is not a model directory");
  }
}

bool Directory::has(const std::string& name) const {
  struct stat status {};
  return ::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
}

FileBytes Directory::read(const std::string& name, Links links, ReadMode mode,
                          std::uint64_t max_bytes) const {
  const int follow = links == Links::any ? 0 : O_NOFOLLOW;
  Descriptor file(::openat(directory_.get(), name.c_str(), kReadFlags | follow));
  if (!file && errno == ELOOP && links == Links::hub_cache) {
    file = open_cached(name);
  }
  if (!file) {
    fail_errno(path_of(name), "cannot be opened");
  }
  return FileBytes(file, mode, max_bytes, path_of(name));
}

Descriptor Directory::open_cached(const std::string& name) const {
  std::array<char, 512> text{};
  const ssize_t length = ::readlinkat(directory_.get(), name.c_str(), text.data(), text.size());
  const std::string_view target(text.data(),
                                static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  if (!target.starts_with(kBlobPrefix) || target.size() == text.size() ||
      !is_plain_name(target.substr(kBlobPrefix.size()))) {
    fail(ErrorCode::io_failure,
         "{}: is a symbolic link to {}; only links of a model hub's cache, to {}NAME, are followed",
         path_of(name), in_quotes(target), kBlobPrefix);
  }
  return open_blob(directory_.get(), target.substr(kBlobPrefix.size()));
}

std::string Directory::path_of(const std::string& name) const {
  return one_line((path_ / name).string());
}

bool is_plain_name(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return c != '/' && c != '\\' && static_cast<unsigned char>(c) >= 0x20U && c != 0x7f;
         });
}

}  // namespace switchyard::checkpoint
