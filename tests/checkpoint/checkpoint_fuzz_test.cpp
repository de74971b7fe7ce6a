// SPDX-License-Identifier: Apache-2.0
// Files with random damage: each opens, or is refused with an Error.
#include <cstring>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

struct Tally {
  std::int64_t accepted = 0;
  std::int64_t refused = 0;
};

template <class Action>
void attempt(Tally& tally, const Action& action) {
  try {
    action();
    ++tally.accepted;
  } catch (const Error& error) {
    const std::string_view message = error.what();
    if (message.empty() || message.find('\n') != std::string_view::npos) {
      FAIL("not one line: " << message);
    }
    ++tally.refused;
  }
}

/// Damages `text` in one to four places.
std::string damaged(Random& random, std::string text) {
  static constexpr std::string_view kLetters = "{}[]\":,0123456789eE.-+ \n\\utfn_\x00\x80\xff";
  for (std::int64_t edits = random.in(1, 4); edits > 0 && !text.empty(); --edits) {
    const auto at =
        static_cast<std::size_t>(random.in(0, static_cast<std::int64_t>(text.size()) - 1));
    const char letter = kLetters[static_cast<std::size_t>(
        random.in(0, static_cast<std::int64_t>(kLetters.size()) - 1))];
    switch (random.in(0, 5)) {
      case 0:
        text[at] =
            static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << random.in(0, 7)));
        break;
      case 1:
        text[at] = letter;
        break;
      case 2:
        text.insert(at, 1, letter);
        break;
      case 3:
        text.erase(at, static_cast<std::size_t>(random.in(1, 40)));
        break;
      case 4:
        text.insert(at, text.substr(at, static_cast<std::size_t>(random.in(1, 80))));
        break;
      default:
        text.resize(at);
    }
  }
  return text;
}

/// Reads every byte of every tensor.
std::uint64_t checksum(const SafetensorsFile& file) {
  std::uint64_t sum = 0;
  for (const TensorEntry& entry : file.tensors()) {
    for (const std::byte byte : entry.bytes) {
      sum += std::to_integer<std::uint64_t>(byte);
    }
  }
  return sum;
}

std::string header_of(const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  return file.substr(8, length);
}

}  // namespace

TEST_CASE("fuzz: damaged safetensors headers") {
  const std::string whole = read_text(golden_model("glm4_moe") / "moe_io.safetensors");
  const std::string header = header_of(whole);
  const std::string data = whole.substr(8 + header.size());
  Random random(1);
  Tally tally;
  for (std::int64_t i = 0; i < scaled(20'000); ++i) {
    const std::string text = damaged(random, header);
    attempt(tally, [&] { checksum(parse(with_length(text.size(), text + data))); });
  }
  CAPTURE(tally.accepted, tally.refused);
  CHECK(tally.refused > tally.accepted);
  CHECK(tally.accepted > 0);  // damage to metadata's text is not damage
}

TEST_CASE("fuzz: safetensors files cut short or with damage anywhere") {
  const std::string whole = read_text(golden_model("glm4_moe") / "moe_io.safetensors");
  Random random(2);
  Tally tally;
  for (std::int64_t i = 0; i < scaled(5'000); ++i) {
    std::string bytes = whole.substr(0, static_cast<std::size_t>(random.in(0, 2000)));
    attempt(tally, [&] { checksum(parse(bytes)); });
    bytes = whole;
    bytes[static_cast<std::size_t>(random.in(0, 2000))] = static_cast<char>(random.in(-128, 127));
    attempt(tally, [&] { checksum(parse(bytes)); });
  }
  CHECK(tally.refused > tally.accepted / 4);
}

TEST_CASE("fuzz: damaged config.json") {
  Random random(3);
  Tally tally;
  for (const char* name : {"deepseek_v3", "llama4", "ernie4_5_moe", "nemotron_h"}) {
    const ModelCopy copy(name);
    const std::string good = read_text(copy.path() / "config.json");
    for (std::int64_t i = 0; i < scaled(500); ++i) {
      copy.write("config.json", damaged(random, good));
      attempt(tally, [&] { (void)Model::open(copy.path()).load_layer(1); });
    }
  }
  CAPTURE(tally.accepted, tally.refused);
  CHECK(tally.refused >= scaled(500));
  CHECK(tally.accepted >= scaled(50) - 1);
}

TEST_CASE("fuzz: config.json with numbers of every size") {
  static constexpr std::array<const char*, 14> kNumbers{"0",
                                                        "1",
                                                        "-1",
                                                        "2",
                                                        "3",
                                                        "64",
                                                        "65",
                                                        "4096",
                                                        "2147483648",
                                                        "9223372036854775807",
                                                        "18446744073709551615",
                                                        "1e300",
                                                        "0.5",
                                                        "null"};
  Random random(4);
  Tally tally;
  for (const char* name : {"deepseek_v3", "gpt_oss", "qwen2_moe", "deepseek_v2", "lfm2_moe"}) {
    const ModelCopy copy(name);
    const std::string good = read_text(copy.path() / "config.json");
    for (std::int64_t i = 0; i < scaled(400); ++i) {
      std::string text = good;
      for (std::int64_t edits = random.in(1, 3); edits > 0; --edits) {
        // A number that follows a key.
        const auto start =
            static_cast<std::size_t>(random.in(0, static_cast<std::int64_t>(text.size()) - 1));
        const std::size_t colon = text.find("\": ", start);
        if (colon == std::string::npos || std::isdigit(text[colon + 3]) == 0) {
          continue;
        }
        const std::size_t end = text.find_first_not_of("0123456789.e-+", colon + 3);
        text.replace(colon + 3, end - colon - 3,
                     kNumbers[static_cast<std::size_t>(random.in(0, 13))]);
      }
      copy.write("config.json", text);
      attempt(tally, [&] { (void)Model::open(copy.path()).load_layer(1); });
    }
  }
  CAPTURE(tally.accepted, tally.refused);
  CHECK(tally.refused >= scaled(200) - 1);
  CHECK(tally.accepted >= scaled(200) - 1);
}

TEST_CASE("fuzz: damaged shard index") {
  const ModelCopy copy("olmoe");
  std::filesystem::rename(copy.path() / "model.safetensors", copy.path() / "m.safetensors");
  std::string map;
  for (const OwnedTensor& tensor : read_tensors(copy.path() / "m.safetensors")) {
    map += (map.empty() ? "\"" : ",\"") + tensor.name + "\":\"m.safetensors\"";
  }
  const std::string good = "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + map + "}}";
  copy.write("model.safetensors.index.json", good);
  CHECK(Model::open(copy.path()).load_layer(1).config().top_k == 3);
  Random random(5);
  Tally tally;
  for (std::int64_t i = 0; i < scaled(2'000); ++i) {
    copy.write("model.safetensors.index.json", damaged(random, good));
    attempt(tally, [&] { (void)Model::open(copy.path()).load_layer(1); });
  }
  CAPTURE(tally.accepted, tally.refused);
  CHECK(tally.refused >= scaled(1000));
}
