// SPDX-License-Identifier: Apache-2.0
// Typed access to config.json.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace switchyard::checkpoint {

/// Spellings of a key; the first that is present and not null counts. Unused ones are empty.
using KeyNames = std::array<std::string_view, 3>;

inline constexpr std::int64_t kRequired = std::numeric_limits<std::int64_t>::min();

/// An integer of config.json. A list of num_hidden_layers integers gives each layer its own.
struct IntKey {
  KeyNames names{};
  std::int64_t fallback = kRequired;  ///< Where it is absent; kRequired: absence is an error.
};

struct FloatKey {
  KeyNames names{};
  double fallback = 0.0;
};

struct BoolKey {
  KeyNames names{};
  bool fallback = false;
};

struct TextKey {
  KeyNames names{};
  std::string_view fallback{};
};

/// Whether the key is in use at all.
template <class Key>
[[nodiscard]] constexpr bool named(const Key& key) noexcept {
  return !key.names[0].empty();
}

/// A JSON object with the checks. Views the object. Everything throws Error{malformed_file} that
/// names the key, its value and what it must be.
class ConfigView {
 public:
  /// `what` begins the messages.
  ConfigView(const nlohmann::json& object, std::string what);

  [[nodiscard]] bool has(const KeyNames& names) const { return find(names) != nullptr; }
  /// The key's value for layer `layer`, in [min, max].
  [[nodiscard]] std::int64_t integer(const IntKey& key, std::int64_t layer, std::int64_t min,
                                     std::int64_t max) const;
  [[nodiscard]] double number(const FloatKey& key) const;
  [[nodiscard]] bool flag(const BoolKey& key) const;
  [[nodiscard]] std::string text(const TextKey& key) const;
  /// The list under the key, or null where it is absent. Throws where it is not a list.
  [[nodiscard]] const nlohmann::json* list(const KeyNames& names) const;
  /// The object under the key, or null where it is absent. Throws where it is not an object.
  [[nodiscard]] const nlohmann::json* object(const KeyNames& names) const;

  /// The value as text, for messages and comparisons: a string's own text, JSON of anything else;
  /// cut after 80 characters. Empty where it is absent.
  [[nodiscard]] std::string shown(const KeyNames& names) const;

  [[nodiscard]] const std::string& what() const noexcept { return what_; }

 private:
  [[nodiscard]] const nlohmann::json* find(const KeyNames& names,
                                           std::string_view* found = nullptr) const;
  [[noreturn]] void wrong_type(std::string_view key, const nlohmann::json& value,
                               std::string_view expected) const;

  const nlohmann::json& object_;
  std::string what_;
};

/// Parses config.json: strict JSON, an object at the top, no duplicate keys, at most 16 levels
/// deep. As the files' writers do, NaN and Infinity are accepted; they read as null.
[[nodiscard]] nlohmann::json parse_config(std::string_view text, std::string_view what);

inline constexpr std::uint64_t kMaxConfigBytes = 4U << 20U;

}  // namespace switchyard::checkpoint
