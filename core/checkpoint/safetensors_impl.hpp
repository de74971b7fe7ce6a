// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/checkpoint/file.hpp"
#include "core/checkpoint/safetensors_header.hpp"
#include "switchyard/checkpoint/safetensors.hpp"

namespace switchyard::checkpoint {

struct SafetensorsFile::Impl {
  FileBytes file;
  SafetensorsHeader header;

  /// Fills `header` from `bytes`, which outlive this object.
  void parse(std::span<const std::byte> bytes, const ReadOptions& options, const std::string& what);

  static std::unique_ptr<const Impl> from_file(FileBytes file, const ReadOptions& options,
                                               const std::string& what);
};

}  // namespace switchyard::checkpoint
