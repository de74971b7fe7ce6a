// SPDX-License-Identifier: Apache-2.0
// Bad input: exit status 2, one line on stderr, nothing on stdout.
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "tools/support/io_files.hpp"
#include "tools/support/process.hpp"

using switchyard::checkpoint::TensorDType;
using switchyard::test::EditableFile;
using switchyard::test::golden;
using switchyard::test::ProcessResult;
using switchyard::test::run_tool;
using switchyard::test::TemporaryDirectory;

namespace {

void check_rejected(const std::vector<std::string>& arguments, const std::string& part) {
  std::string line;
  for (const std::string& argument : arguments) {
    line += argument;
    line += ' ';
  }
  INFO(line);
  const ProcessResult result = run_tool(arguments);
  INFO(result.err);
  CHECK(result.status == 2);
  CHECK(result.out.empty());
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(result.err.substr(0, 12) == "switchyard: ");
  CHECK(result.err.back() == '\n');
  CHECK(result.err.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("bad arguments are one line on stderr and status 2") {
  const std::string model = golden("qwen3_moe");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{}, "a subcommand is needed"},
      {{"frobnicate"}, "unknown subcommand 'frobnicate'"},
      {{"--frobnicate"}, "--frobnicate"},
      {{"layer"}, "DIR"},
      {{"layer", model, "extra"}, "extra"},
      {{"layer", "/nonexistent/model"}, "/nonexistent/model"},
      {{"layer", model, "--layer", "2"}, "2"},
      {{"layer", model, "--layer", "-1"}, "--layer"},
      {{"layer", model, "--layer", "one"}, "--layer"},
      {{"layer", model, "--backend", "frob"}, "backend 'frob' is not built in; built: cpu"},
      {{"layer", model, "--backend", "cpu", "--device", "1"},
       "device is 1, must be in [0, number of 'cpu' devices = 1)"},
      {{"layer", model, "--route", "both"}, "--route"},
      {{"layer", model, "--compute", "f64"}, "--compute"},
      {{"layer", model, "--compute"}, "--compute"},
      {{"layer", model, "--tokens", "1048577"}, "--tokens"},
      {{"layer", model, "--tokens", "20"}, "--tokens is 20, must be at most the 19 tokens of"},
      {{"layer", model, "--block-size", "48"}, "--block-size"},
      {{"layer", model, "--threads", "0"}, "--threads"},
      {{"layer", model, "--io", "/nonexistent/io.safetensors"}, "/nonexistent/io.safetensors"},
      {{"layer", model, "--io", model + "/config.json"}, "config.json"},
      {{"layer", model, "--io", model + "/model.safetensors"}, "hidden_states"},
      {{"layer", model, "--out", "/nonexistent/out.safetensors"}, "/nonexistent/out.safetensors"},
      {{"layer", "a\nb\x1b[1m"}, "is not a model directory"},
      {{"bench"}, "either --model or all of"},
      {{"bench", "--model", "gpt-2"}, "--model is gpt-2, must be one of: qwen3-30b-a3b"},
      {{"bench", "--model", "mixtral-8x7b", "--shared-expert"}, "has no shared expert"},
      {{"bench", "--model", "mixtral-8x7b", "--experts", "1"}, "top_k is 2"},
      {{"bench", "--model", "mixtral-8x7b", "--tokens", "4,x"}, "--tokens"},
      {{"bench", "--model", "mixtral-8x7b", "--tokens", "0"}, "--tokens"},
      {{"bench", "--model", "mixtral-8x7b", "--backend", "frob"}, "built: cpu"},
      {{"bench", "--model", "mixtral-8x7b", "--backend", "cpu", "--device", "-1"}, "device is -1"},
      {{"bench", "--model", "mixtral-8x7b", "--output", "xml"}, "--output"},
      {{"bench", "--model", "mixtral-8x7b", "--ceilings", "3"}, "--ceilings"},
      {{"bench", "--hidden-size", "1048576", "--intermediate-size", "1048576", "--experts", "4096",
        "--top-k", "1"},
       "are needed"},
      {{"devices", "--frob"}, "--frob"},
  };
  for (const auto& [arguments, part] : cases) {
    check_rejected(arguments, part);
  }
}

TEST_CASE("bad io files are one line on stderr and status 2") {
  const std::string model = golden("qwen3_moe");
  const EditableFile good = EditableFile::open(model + "/moe_io.safetensors");
  const TemporaryDirectory directory;
  const std::string io = (directory.path() / "io.safetensors").string();
  using Change = std::function<void(EditableFile&)>;
  const auto layer = [](const std::string& text) -> Change {
    return [text](EditableFile& f) { f.metadata["layer"] = text; };
  };
  const std::vector<std::pair<Change, std::string>> changes{
      {[](EditableFile& f) { f.tensors.erase("hidden_states"); }, "has no tensor hidden_states"},
      {[](EditableFile& f) {
         f.tensors["hidden_states"].shape = {38, 32};
       },
       "hidden_states has shape [38, 32], must be [num_tokens, hidden_size = 64]"},
      {[](EditableFile& f) { f.tensors["hidden_states"].shape = {1216}; }, "has shape [1216]"},
      {[](EditableFile& f) { f.tensors["hidden_states"].dtype = TensorDType::i32; },
       "hidden_states has dtype I32, must be F32, BF16 or F16"},
      {[](EditableFile& f) { f.set("hidden_states", 65, std::numeric_limits<float>::quiet_NaN()); },
       "hidden_states[1, 1] is nan, must be finite"},
      {[](EditableFile& f) { f.set("expected.output", 3, std::numeric_limits<float>::infinity()); },
       "expected.output[0, 3] is inf, must be finite"},
      {[](EditableFile& f) {
         f.tensors["expected.output"].shape = {64, 19};
       },
       "expected.output has shape [64, 19], must be that of hidden_states, [19, 64]"},
      {[](EditableFile& f) { f.tensors["expected.output"].dtype = TensorDType::u32; },
       "expected.output has dtype U32"},
      {layer("one"), "metadata layer is \"one\""},
      {layer(""), "metadata layer is \"\""},
      {layer("-1"), "metadata layer is \"-1\""},
      {layer("99999999999999999999"), "metadata layer is"},
      {layer("7"), "7"},
  };
  for (const auto& [change, part] : changes) {
    EditableFile file = good;
    change(file);
    file.write(io);
    check_rejected({"layer", model, "--io", io}, part);
  }

  SECTION("a file cut short") {
    std::filesystem::copy_file(model + "/moe_io.safetensors", io,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(io, std::filesystem::file_size(io) - 4);
    check_rejected({"layer", model, "--io", io}, "io.safetensors");
  }
  SECTION("an empty file") {
    std::ofstream(io, std::ios::trunc).close();
    check_rejected({"layer", model, "--io", io}, "io.safetensors");
  }
  SECTION("a directory without config.json") {
    check_rejected({"layer", directory.path().string()}, "config.json");
  }
}
