// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/tensor_store.hpp"

#include <algorithm>

#include "core/checkpoint/safetensors_impl.hpp"
#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

}  // namespace

SafetensorsFile TensorStore::open(const Directory& directory, const std::string& name, Links links,
                                  ReadMode mode) {
  return SafetensorsFile(SafetensorsFile::Impl::from_file(
      directory.read(name, links, mode, kAnySize), ReadOptions{}, directory.path_of(name)));
}

TensorStore::TensorStore(const Directory& directory, ReadMode mode) {
  if (directory.has(kSingleFile)) {
    files_.push_back(open(directory, kSingleFile, Links::any, mode));
    return;
  }
  if (!directory.has(kIndexFile)) {
    fail(ErrorCode::io_failure, "{}: does not exist, nor does {}", directory.path_of(kSingleFile),
         kIndexFile);
  }
  sharded_ = true;
  const FileBytes file = directory.read(kIndexFile, Links::any, ReadMode::buffer, kMaxIndexBytes);
  parse_shard_index({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()},
                    directory.path_of(kIndexFile), index_);
  files_.reserve(index_.shards.size());
  for (const std::string& shard : index_.shards) {
    files_.push_back(open(directory, shard, Links::hub_cache, mode));
  }
  for (const ShardIndex::Entry& entry : index_.entries) {
    if (files_[entry.shard].find(entry.tensor) == nullptr) {
      malformed("{}: tensor {} is not in shard {}", directory.path_of(kIndexFile),
                in_quotes(entry.tensor), in_quotes(index_.shards[entry.shard]));
    }
  }
}

const TensorEntry* TensorStore::find(std::string_view name) const noexcept {
  if (!sharded_) {
    return files_.front().find(name);
  }
  const auto& entries = index_.entries;
  const auto it = std::lower_bound(entries.begin(), entries.end(), name,
                                   [](const ShardIndex::Entry& entry, std::string_view wanted) {
                                     return entry.tensor < wanted;
                                   });
  return it != entries.end() && it->tensor == name ? files_[it->shard].find(name) : nullptr;
}

}  // namespace switchyard::checkpoint
