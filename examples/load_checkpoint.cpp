// SPDX-License-Identifier: Apache-2.0
// Loads an MoE layer from a model directory as published on model hubs and runs it on recorded
// hidden states:  load_checkpoint DIRECTORY
#include <cmath>
#include <cstring>
#include <filesystem>

#include "support.hpp"
#include "switchyard/checkpoint/checkpoint.hpp"
#include "switchyard/error.hpp"

namespace {

std::vector<float> floats(const switchyard::checkpoint::SafetensorsFile& file, const char* name) {
  const auto* tensor = file.find(name);
  std::vector<float> values(tensor == nullptr ? 0 : tensor->bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), tensor->bytes.data(), tensor->bytes.size());
  return values;
}

int run(const std::filesystem::path& directory) {
  using namespace example;
  const auto model = switchyard::checkpoint::Model::open(directory);
  const auto block = model.load_layer(1);
  switchyard::LayerConfig config = block.config();
  config.activation_dtype = DType::f32;  // compute in f32, whatever the weights are stored in

  Backend backend;
  auto stream = backend.make_stream();
  Layer layer(backend, stream, config, block.weights());

  const auto io = switchyard::checkpoint::SafetensorsFile::open(directory / "moe_io.safetensors");
  const auto states = floats(io, "hidden_states"), expected = floats(io, "expected.output");
  const auto hidden = to_device(backend, stream, states);
  const auto output = backend.allocate<float>(states.size());
  switchyard::MoeInputs inputs;
  inputs.hidden_states = matrix(hidden, config.hidden_size);
  inputs.output = matrix(output, config.hidden_size);
  const std::int64_t num_tokens = inputs.output.rows;
  const Scratch scratch(backend, switchyard::plan_workspace(config, num_tokens));
  layer.forward(stream, inputs, scratch);

  double difference = 0, norm = 0;
  const auto result = to_host(backend, stream, output.span());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(double{result[i]} - double{expected[i]}, 2);
    norm += std::pow(double{expected[i]}, 2);
  }
  std::printf("%s, %lld tokens\n", std::string(model.family()).c_str(),
              static_cast<long long>(num_tokens));
  return report("matches the recorded output",
                expected.size() == result.size() && std::sqrt(difference / norm) <= 2e-6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  try {
    return run(argv[1]);
  } catch (const switchyard::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
