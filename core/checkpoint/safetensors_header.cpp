// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "core/checkpoint/json_scan.hpp"
#include "core/checkpoint/text.hpp"

namespace switchyard::checkpoint {
namespace {

namespace bounds = safetensors_limits;

// The shortest tensor entry, {"":{"dtype":"U8","shape":[],"data_offsets":[0,0]}}, without braces.
constexpr std::size_t kMinEntryBytes = 48;
// Room for shorter ones, so that messages name what they lack.
constexpr std::size_t kSpareEntries = 64;
// Each further extent takes a digit and a comma.
constexpr std::size_t kMaxExtentsPerEntry = bounds::kMaxRank;

/// Events of the JSON parser. It accepts the format's grammar and nothing else, and allocates
/// nothing beyond what the constructor reserves but the metadata, which is bounded.
class HeaderReader {
 public:
  HeaderReader(std::size_t header_bytes, const JsonCounts& counts, std::span<const std::byte> data,
               std::string_view what, SafetensorsHeader& header)
      : data_(data), what_(what), header_(header) {
    const std::size_t entries =
        std::min(counts.objects, header_bytes / kMinEntryBytes + kSpareEntries);
    header_.tensors.reserve(std::min(entries, bounds::kMaxTensors));
    header_.names.reserve(counts.string_bytes);
    header_.extents.reserve(std::min(counts.scalars, entries * kMaxExtentsPerEntry));
  }

  bool null() { return unexpected("null"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool number_float(double, const std::string&) { return unexpected("a fraction"); }
  bool binary(std::vector<std::uint8_t>&) { return unexpected("binary data"); }
  bool number_integer(std::int64_t value) {
    malformed("{}: {} is negative in {}", what_, value, place());
  }

  bool number_unsigned(std::uint64_t value) {
    switch (where_) {
      case Where::shape:
        return add_extent(value);
      case Where::offsets:
        return add_offset(value);
      default:
        return unexpected("a number");
    }
  }

  bool string(std::string& value) {
    if (where_ == Where::metadata_value) {
      header_.metadata.emplace(key_, value);
      where_ = Where::metadata;
      return true;
    }
    if (where_ == Where::dtype) {
      const auto dtype = parse_tensor_dtype(value);
      if (!dtype) {
        malformed("{}: tensor {} has the unknown dtype {}", what_, in_quotes(current().name),
                  in_quotes(value));
      }
      current().dtype = *dtype;
      where_ = Where::tensor;
      return true;
    }
    return unexpected("a string");
  }

  bool start_object(std::size_t) {
    switch (where_) {
      case Where::document:
        where_ = Where::root;
        return true;
      case Where::metadata_start:
        where_ = Where::metadata;
        return true;
      case Where::tensor_start:
        where_ = Where::tensor;
        return true;
      default:
        return unexpected("an object");
    }
  }

  bool key(std::string& name) {
    switch (where_) {
      case Where::root:
        return root_key(name);
      case Where::metadata:
        return metadata_key(name);
      default:
        return tensor_key(name);
    }
  }

  bool end_object() {
    switch (where_) {
      case Where::root:
        where_ = Where::end;
        return true;
      case Where::metadata:
        where_ = Where::root;
        return true;
      default:
        finish_tensor();
        where_ = Where::root;
        return true;
    }
  }

  bool start_array(std::size_t) {
    if (where_ == Where::shape_start) {
      where_ = Where::shape;
      return true;
    }
    if (where_ == Where::offsets_start) {
      where_ = Where::offsets;
      return true;
    }
    return unexpected("an array");
  }

  bool end_array() {
    if (where_ == Where::offsets && num_offsets_ != 2) {
      malformed("{}: data_offsets of tensor {} has {} numbers, must be 2", what_,
                in_quotes(current().name), num_offsets_);
    }
    where_ = Where::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) {
    malformed("{}: is not valid JSON at byte {}: {}", what_, position, one_line(error.what()));
  }

 private:
  enum class Where {
    document,
    root,
    metadata_start,
    metadata,
    metadata_value,
    tensor_start,
    tensor,
    dtype,
    shape_start,
    shape,
    offsets_start,
    offsets,
    end,
  };
  enum Seen : unsigned { kDtype = 1, kShape = 2, kOffsets = 4, kAll = 7 };

  [[nodiscard]] TensorEntry& current() { return header_.tensors.back(); }

  [[nodiscard]] std::string place() {
    switch (where_) {
      case Where::metadata_start:
        return "__metadata__";
      case Where::metadata_value:
        return "__metadata__ under " + in_quotes(key_);
      case Where::shape:
        return "the shape of tensor " + in_quotes(current().name);
      case Where::offsets:
        return "data_offsets of tensor " + in_quotes(current().name);
      case Where::document:
      case Where::root:
      case Where::end:
        return "the header";
      default:
        return "the entry of tensor " + in_quotes(current().name);
    }
  }

  [[noreturn]] bool unexpected(std::string_view found) {
    malformed("{}: {} does not belong into {}", what_, found, place());
  }

  bool root_key(const std::string& name) {
    if (name == "__metadata__") {
      if (seen_metadata_) {
        malformed("{}: duplicate key \"__metadata__\"", what_);
      }
      seen_metadata_ = true;
      where_ = Where::metadata_start;
      return true;
    }
    if (header_.tensors.size() == bounds::kMaxTensors) {
      malformed("{}: more than {} tensors", what_, bounds::kMaxTensors);
    }
    if (header_.tensors.size() == header_.tensors.capacity()) {
      malformed("{}: tensor {} has no entry", what_, in_quotes(name));
    }
    const std::size_t start = header_.names.size();
    header_.names += name;
    header_.tensors.push_back(
        {.name = std::string_view(header_.names).substr(start), .shape = {}, .bytes = {}});
    first_extent_ = header_.extents.size();
    num_offsets_ = 0;
    seen_ = 0;
    where_ = Where::tensor_start;
    return true;
  }

  bool metadata_key(std::string& name) {
    if (header_.metadata.contains(name)) {
      malformed("{}: duplicate key {} in __metadata__", what_, in_quotes(name));
    }
    if (header_.metadata.size() == bounds::kMaxMetadata) {
      malformed("{}: __metadata__ has more than {} entries", what_, bounds::kMaxMetadata);
    }
    key_ = name;
    where_ = Where::metadata_value;
    return true;
  }

  bool tensor_key(const std::string& name) {
    const auto enter = [&](Seen bit, Where where) {
      if ((seen_ & bit) != 0U) {
        malformed("{}: duplicate key {} in tensor {}", what_, in_quotes(name),
                  in_quotes(current().name));
      }
      seen_ |= bit;
      where_ = where;
      return true;
    };
    if (name == "dtype") {
      return enter(kDtype, Where::dtype);
    }
    if (name == "shape") {
      return enter(kShape, Where::shape_start);
    }
    if (name == "data_offsets") {
      return enter(kOffsets, Where::offsets_start);
    }
    malformed("{}: unknown key {} in tensor {}", what_, in_quotes(name), in_quotes(current().name));
  }

  bool add_extent(std::uint64_t value) {
    const std::size_t rank = header_.extents.size() - first_extent_;
    if (rank == bounds::kMaxRank) {
      malformed("{}: tensor {} has more than {} dimensions", what_, in_quotes(current().name),
                bounds::kMaxRank);
    }
    if (value > static_cast<std::uint64_t>(bounds::kMaxExtent)) {
      malformed("{}: tensor {} has an extent of {}, must be at most 2^53", what_,
                in_quotes(current().name), value);
    }
    if (header_.extents.size() == header_.extents.capacity()) {
      malformed("{}: more extents than the header has room for", what_);
    }
    header_.extents.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool add_offset(std::uint64_t value) {
    if (num_offsets_ < offsets_.size()) {
      offsets_[num_offsets_] = value;
    }
    ++num_offsets_;
    return true;
  }

  void finish_tensor() {
    TensorEntry& tensor = current();
    if (seen_ != kAll) {
      malformed("{}: tensor {} has no {}", what_, in_quotes(tensor.name),
                (seen_ & kDtype) == 0U   ? "dtype"
                : (seen_ & kShape) == 0U ? "shape"
                                         : "data_offsets");
    }
    tensor.shape = std::span<const std::int64_t>(header_.extents).subspan(first_extent_);
    const auto [begin, end] = offsets_;
    if (begin > end || end > data_.size()) {
      malformed(
          "{}: tensor {} has the data_offsets [{}, {}], must ascend within the {} bytes of data",
          what_, in_quotes(tensor.name), begin, end, data_.size());
    }
    const std::uint64_t bytes = tensor_bytes(tensor.dtype, tensor.shape, what_);
    if (end - begin != bytes) {
      malformed("{}: tensor {} has {} bytes of data, its shape and dtype {} take {}", what_,
                in_quotes(tensor.name), end - begin, switchyard::checkpoint::name(tensor.dtype),
                bytes);
    }
    tensor.bytes = data_.subspan(begin, bytes);
  }

  std::span<const std::byte> data_;
  std::string_view what_;
  SafetensorsHeader& header_;
  Where where_ = Where::document;
  std::string key_;
  bool seen_metadata_ = false;
  unsigned seen_ = 0;
  std::size_t first_extent_ = 0;
  std::size_t num_offsets_ = 0;
  std::array<std::uint64_t, 2> offsets_{};
};

}  // namespace

std::uint64_t tensor_bytes(TensorDType dtype, std::span<const std::int64_t> shape,
                           std::string_view what) {
  auto bits = static_cast<std::uint64_t>(bits_of(dtype));
  for (const std::int64_t extent : shape) {
    if (__builtin_mul_overflow(bits, static_cast<std::uint64_t>(extent), &bits)) {
      malformed("{}: a tensor of shape [{}] and dtype {} has more bits than 64-bit numbers count",
                what, fmt::join(shape, ","), name(dtype));
    }
  }
  if (bits % 8 != 0) {
    malformed("{}: a tensor of shape [{}] and dtype {} is not a whole number of bytes", what,
              fmt::join(shape, ","), name(dtype));
  }
  return bits / 8;
}

void parse_safetensors_header(std::string_view text, std::span<const std::byte> data,
                              std::string_view what, SafetensorsHeader& header) {
  const JsonCounts counts = scan_json(
      text, {.max_string_bytes = bounds::kMaxStringBytes, .max_depth = bounds::kMaxDepth}, what);
  HeaderReader reader(text.size(), counts, data, what, header);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
}

}  // namespace switchyard::checkpoint
