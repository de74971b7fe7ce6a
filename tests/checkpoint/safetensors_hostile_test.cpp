// SPDX-License-Identifier: Apache-2.0
// Malformed safetensors files: each has its error, and a good file opens afterwards.
#include <cstring>

#include "checkpoint/support/checkpoint_files.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::checkpoint;
using namespace switchyard::test;

namespace {

std::string entry(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return R"({"dtype":)" + std::string(dtype) + R"(,"shape":)" + std::string(shape) +
         R"(,"data_offsets":)" + std::string(offsets) + "}";
}

std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return R"({"x":)" + entry(dtype, shape, offsets) + "}";
}

std::string u8_at(std::string_view name, std::uint64_t begin, std::uint64_t end) {
  return '"' + std::string(name) + "\":" +
         entry("\"U8\"", "[" + std::to_string(end - begin) + "]",
               "[" + std::to_string(begin) + "," + std::to_string(end) + "]");
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += text;
  }
  return out;
}

struct Case {
  std::string what;
  std::string bytes;
  std::vector<std::string> words;
};

std::vector<Case> file_cases() {
  return {
      {"empty", "", {"0 bytes", "at least 8"}},
      {"shorter than the length", "\x01\x02\x03", {"3 bytes"}},
      {"length only", with_length(2, ""), {"header of 2 bytes", "only 0 follow"}},
      {"header longer than the file", with_length(3, "{}"), {"header of 3 bytes", "only 2"}},
      {"length with the top bit", with_length(1ULL << 63U, "{}"), {"9223372036854775808"}},
      {"length that overflows 8 + n", with_length(~0ULL, "{}"), {"18446744073709551615"}},
      {"length just beyond the bound", with_length((100ULL << 20U) + 1, "{}"), {"104857601"}},
      {"no header", with_length(0, ""), {"start with '{'"}},
      {"a list", safetensors_bytes("[]", 0), {"start with '{'"}},
      {"white space first", safetensors_bytes(" {}", 0), {"start with '{'"}},
      {"byte order mark first", safetensors_bytes("\xef\xbb\xbf{}", 0), {"start with '{'"}},
      {"another format in front", safetensors_bytes("PK\x03\x04{}", 0), {"start with '{'"}},
      {"bytes behind the data", safetensors_bytes("{}", 7), {"7 bytes follow"}},
  };
}

std::vector<Case> json_cases() {
  const auto file = [](const std::string& header) { return safetensors_bytes(header, 0); };
  return {
      {"not closed", file("{"), {"not valid JSON"}},
      {"closed twice", file("{}}"), {"not valid JSON"}},
      {"two documents", file("{}{}"), {"not valid JSON"}},
      {"zero byte ends nothing", file(std::string("{}\0{", 4)), {"0x00"}},
      {"zero bytes as padding", file(std::string("{}\0\0", 4)), {"0x00"}},
      {"zero byte in a name", file(std::string("{\"a\0b\":1}", 9)), {"not valid JSON"}},
      {"comment", file("{/* */}"), {"not valid JSON"}},
      {"trailing comma", file("{" + u8_at("x", 0, 0) + ",}"), {"not valid JSON"}},
      {"single quotes", file("{'x':1}"), {"not valid JSON"}},
      {"NaN", file(R"({"x":NaN})"), {"not valid JSON"}},
      {"name without an end", file(R"({"x)"), {"no end"}},
      {"name ending in an escape", file("{\"x\\"), {"no end"}},
      {"wrong escape", file(R"({"\q":1})"), {"not valid JSON"}},
      {"lone surrogate", file(R"({"\ud800":1})"), {"not valid JSON"}},
      {"overlong UTF-8", file("{\"\xc0\x80\":1}"), {"not valid JSON"}},
      {"UTF-8 surrogate", file("{\"\xed\xa0\x80\":1}"), {"not valid JSON"}},
      {"UTF-8 cut short", file("{\"\xe2\x82\":1}"), {"not valid JSON"}},
      {"UTF-8 outside a string", file("{\xc3\xbc}"), {"0xc3"}},
      {"nested too deep", file(R"({"x":{"shape":[[[1]]]}})"), {"deeper than 4"}},
      {"very deep", file("{\"x\":" + repeat("[", 100'000)), {"deeper than 4"}},
      {"name too long",
       file("{\"" + repeat("n", (64U << 10U) + 1) + "\":{}}"),
       {"longer than 65536"}},
      {"number too long", file("{\"x\":" + repeat("1", 65) + "}"), {"longer than 64"}},
  };
}

std::vector<Case> entry_cases() {
  const auto file = [](const std::string& header) { return safetensors_bytes(header, 8); };
  const std::string big = "18446744073709551615";
  return {
      {"number for a tensor", file(R"({"x":1})"), {"a number", "\"x\""}},
      {"string for a tensor", file(R"({"x":"F32"})"), {"a string", "\"x\""}},
      {"list for a tensor", file(R"({"x":[]})"), {"an array", "\"x\""}},
      {"null for a tensor", file(R"({"x":null})"), {"null", "\"x\""}},
      {"empty entry", file(R"({"x":{}})"), {"\"x\"", "no dtype"}},
      {"many empty entries", file("{" + repeat(R"("x":{},)", 1000) + R"("y":{}})"), {"no dtype"}},
      {"no dtype", file(R"({"x":{"shape":[8],"data_offsets":[0,8]}})"), {"no dtype"}},
      {"no shape", file(R"({"x":{"dtype":"U8","data_offsets":[0,8]}})"), {"no shape"}},
      {"no data_offsets", file(R"({"x":{"dtype":"U8","shape":[8]}})"), {"no data_offsets"}},
      {"unknown key",
       file(R"({"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"strides":[1]}})"),
       {"unknown key \"strides\"", "\"x\""}},
      {"duplicate dtype",
       file(R"({"x":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})"),
       {"duplicate key \"dtype\"", "\"x\""}},
      {"duplicate shape",
       file(R"({"x":{"dtype":"U8","shape":[8],"shape":[8],"data_offsets":[0,8]}})"),
       {"duplicate key \"shape\""}},
      {"duplicate data_offsets",
       file(R"({"x":{"dtype":"U8","shape":[8],"data_offsets":[0,8],"data_offsets":[0,8]}})"),
       {"duplicate key \"data_offsets\""}},
      {"duplicate tensor",
       file("{" + u8_at("x", 0, 4) + "," + u8_at("x", 4, 8) + "}"),
       {"duplicate key \"x\""}},
      {"duplicate tensor by an escape",
       file("{" + u8_at("x", 0, 4) + "," + u8_at("\\u0078", 4, 8) + "}"),
       {"duplicate key \"x\""}},
      {"dtype a number", file(one("1", "[8]", "[0,8]")), {"a number"}},
      {"unknown dtype", file(one("\"F128\"", "[1]", "[0,8]")), {"unknown dtype \"F128\""}},
      {"dtype in lower case", file(one("\"u8\"", "[8]", "[0,8]")), {"unknown dtype \"u8\""}},
      {"dtype with line breaks", file(one(R"("U8\nOK")", "[8]", "[0,8]")), {"\\x0a"}},
      {"shape a number", file(one("\"U8\"", "8", "[0,8]")), {"a number"}},
      {"shape with a string", file(one("\"U8\"", "[\"8\"]", "[0,8]")), {"a string", "shape"}},
      {"shape with a list", file(one("\"U8\"", "[[8]]", "[0,8]")), {"an array", "shape"}},
      {"negative extent", file(one("\"U8\"", "[-8]", "[0,8]")), {"-8", "shape of tensor \"x\""}},
      {"fraction", file(one("\"U8\"", "[8.0]", "[0,8]")), {"a fraction"}},
      {"exponent", file(one("\"U8\"", "[8e0]", "[0,8]")), {"a fraction"}},
      {"extent beyond 2^53", file(one("\"U8\"", "[9007199254740993]", "[0,8]")), {"2^53"}},
      {"extent beyond 2^64",
       file(one("\"U8\"", "[18446744073709551616]", "[0,8]")),
       {"a fraction"}},
      {"nine dimensions", file(one("\"U8\"", "[1,1,1,1,1,1,1,1,8]", "[0,8]")), {"more than 8"}},
      {"product overflows", file(one("\"U8\"", "[4294967296,4294967296]", "[0,8]")), {"64-bit"}},
      {"product overflows to the right size",
       file(one("\"F64\"", "[2305843009213693953]", "[0,8]")),
       {"2^53"}},
      {"product overflows before a zero",
       file(one("\"U8\"", "[9007199254740992,9007199254740992,0]", "[0,0]")),
       {"64-bit"}},
      {"bytes overflow", file(one("\"F64\"", "[4503599627370496,1024]", "[0,8]")), {"64-bit"}},
      {"half a byte", file(one("\"F4\"", "[3]", "[0,1]")), {"whole number of bytes"}},
      {"data too short for the shape", file(one("\"F32\"", "[3]", "[0,8]")), {"8 bytes", "12"}},
      {"data too long for the shape", file(one("\"F32\"", "[1]", "[0,8]")), {"8 bytes", "4"}},
      {"shape larger than the file",
       file(one("\"F32\"", "[1048576]", "[0,4194304]")),
       {"[0, 4194304]", "8 bytes"}},
      {"one offset", file(one("\"U8\"", "[8]", "[0]")), {"1 numbers", "must be 2"}},
      {"three offsets", file(one("\"U8\"", "[8]", "[0,8,8]")), {"3 numbers"}},
      {"negative offset", file(one("\"U8\"", "[8]", "[-1,7]")), {"-1"}},
      {"offset a fraction", file(one("\"U8\"", "[8]", "[0.0,8]")), {"a fraction"}},
      {"descending offsets", file(one("\"U8\"", "[8]", "[8,0]")), {"[8, 0]", "ascend"}},
      {"offsets beyond the data", file(one("\"U8\"", "[8]", "[1,9]")), {"[1, 9]"}},
      {"huge offsets", file(one("\"U8\"", "[8]", "[" + big + "," + big + "]")), {big}},
      {"offsets a string", file(one("\"U8\"", "[8]", "\"0,8\"")), {"a string"}},
  };
}

std::vector<Case> coverage_cases() {
  const auto file = [](const std::string& tensors) {
    return safetensors_bytes("{" + tensors + "}", 8);
  };
  return {
      {"gap at the front", file(u8_at("x", 1, 8)), {"\"x\"", "gap", "byte 1"}},
      {"gap in the middle", file(u8_at("x", 0, 3) + "," + u8_at("y", 4, 8)), {"\"y\"", "gap"}},
      {"gap at the end", file(u8_at("x", 0, 7)), {"1 bytes follow"}},
      {"overlap", file(u8_at("x", 0, 5) + "," + u8_at("y", 4, 8)), {"\"y\"", "overlapping"}},
      {"same range twice", file(u8_at("x", 0, 8) + "," + u8_at("y", 0, 8)), {"overlapping"}},
      {"inside another", file(u8_at("x", 0, 8) + "," + u8_at("y", 2, 4)), {"overlapping"}},
      {"empty one inside another",
       file(u8_at("x", 0, 8) + "," + u8_at("y", 4, 4)),
       {"\"y\"", "overlapping"}},
      {"no tensor", safetensors_bytes("{}", 8), {"8 bytes follow"}},
  };
}

std::vector<Case> metadata_cases() {
  const auto file = [](const std::string& metadata) {
    return safetensors_bytes(R"({"__metadata__":)" + metadata + "}", 0);
  };
  std::string many = "{";
  for (int i = 0; i < 4097; ++i) {
    many += "\"" + std::to_string(i) + "\":\"\",";
  }
  many.back() = '}';
  return {
      {"not an object", file("1"), {"a number", "__metadata__"}},
      {"a list", file("[]"), {"an array", "__metadata__"}},
      {"number for a value", file(R"({"a":1})"), {"a number", "\"a\""}},
      {"object for a value", file(R"({"a":{}})"), {"an object", "\"a\""}},
      {"duplicate key", file(R"({"a":"","a":""})"), {"duplicate key \"a\"", "__metadata__"}},
      {"twice",
       safetensors_bytes(R"({"__metadata__":{},"__metadata__":{}})", 0),
       {"duplicate key \"__metadata__\""}},
      {"too many entries", file(many), {"more than 4096"}},
      {"value too long",
       file("{\"a\":\"" + repeat("v", (64U << 10U) + 1) + "\"}"),
       {"longer than 65536"}},
  };
}

const std::string& good_file() {
  static const std::string bytes = safetensors_bytes("{" + u8_at("x", 0, 8) + "}", 8);
  return bytes;
}

void check(const std::vector<Case>& cases, std::size_t at_least) {
  const Folder folder;
  REQUIRE(cases.size() >= at_least);
  for (const Case& c : cases) {
    INFO(c.what);
    check_error(ErrorCode::malformed_file, c.words, [&] { (void)parse(c.bytes); });
    // The same from a file, whose name the message has.
    folder.write("bad.safetensors", c.bytes);
    for (const ReadMode mode : {ReadMode::map, ReadMode::buffer}) {
      std::vector<std::string> words = c.words;
      words.emplace_back("bad.safetensors");
      check_error(ErrorCode::malformed_file, words, [&] {
        (void)SafetensorsFile::open(folder.path() / "bad.safetensors", {.mode = mode});
      });
    }
    CHECK(parse(good_file()).tensors().size() == 1);
  }
}

}  // namespace

TEST_CASE("malformed safetensors: the file as a whole") {
  check(file_cases(), 13);
}

TEST_CASE("malformed safetensors: the header's JSON") {
  check(json_cases(), 22);
}

TEST_CASE("malformed safetensors: a tensor's entry") {
  check(entry_cases(), 44);
}

TEST_CASE("malformed safetensors: ranges that do not cover the data once") {
  check(coverage_cases(), 8);
}

TEST_CASE("malformed safetensors: metadata") {
  check(metadata_cases(), 8);
}

TEST_CASE("trailing bytes are accepted where the caller says so, and only they") {
  const ReadOptions lenient{.allow_trailing_bytes = true};
  const std::string tail = good_file() + "tail";
  CHECK(parse(tail, lenient).find("x")->bytes.size() == 8);
  check_error(ErrorCode::malformed_file, {"4 bytes follow"}, [&] { (void)parse(tail); });
  const auto gap = safetensors_bytes("{" + u8_at("x", 1, 8) + "}", 8);
  check_error(ErrorCode::malformed_file, {"gap"}, [&] { (void)parse(gap, lenient); });
}

TEST_CASE("the header's bound can be lowered, not raised") {
  const std::string& bytes = good_file();
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  CHECK(parse(bytes, {.max_header_bytes = header}).tensors().size() == 1);
  check_error(ErrorCode::malformed_file, {"at most " + std::to_string(header - 1)},
              [&] { (void)parse(bytes, {.max_header_bytes = header - 1}); });
  check_error(ErrorCode::invalid_argument, {"max_header_bytes", "104857600"}, [&] {
    (void)parse(bytes, {.max_header_bytes = safetensors_limits::kMaxHeaderBytes + 1});
  });
}

TEST_CASE("what is not a regular file is refused") {
  const Folder folder;
  check_error(ErrorCode::io_failure, {"absent", "cannot be opened"},
              [&] { (void)SafetensorsFile::open(folder.path() / "absent"); });
  check_error(ErrorCode::io_failure, {"not a regular file"},
              [&] { (void)SafetensorsFile::open(folder.path()); });
  check_error(ErrorCode::io_failure, {"not a regular file"},
              [&] { (void)SafetensorsFile::open("/dev/zero"); });
}
