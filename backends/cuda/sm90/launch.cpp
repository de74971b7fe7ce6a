// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/sm90/launch.hpp"

#include <array>

namespace switchyard::sm90 {
namespace {

/// A launch configuration and the attributes that it points to.
class Configuration {
 public:
  Configuration(cudaStream_t stream, const Extents& extents) {
    config_.gridDim = {extents.num_blocks, 1, 1};
    config_.blockDim = {extents.num_threads, 1, 1};
    config_.dynamicSmemBytes = extents.shared_bytes;
    config_.stream = stream;
    config_.attrs = attributes_.data();
    if (extents.cluster_size > 1) {
      cudaLaunchAttribute& cluster = add(cudaLaunchAttributeClusterDimension);
      cluster.val.clusterDim.x = extents.cluster_size;
      cluster.val.clusterDim.y = 1;
      cluster.val.clusterDim.z = 1;
    }
  }
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  cudaLaunchAttribute& add(cudaLaunchAttributeID id) {
    cudaLaunchAttribute& attribute = attributes_[config_.numAttrs++];
    attribute.id = id;
    return attribute;
  }
  [[nodiscard]] const cudaLaunchConfig_t* get() const noexcept { return &config_; }

 private:
  std::array<cudaLaunchAttribute, 2> attributes_{};
  cudaLaunchConfig_t config_{};
};

}  // namespace

void launch_dependent(int device, cudaStream_t stream, const void* kernel, const Extents& extents,
                      std::span<void*> arguments) {
  const gpu::DeviceScope<CudaApi> scope(device);
  Configuration configuration(stream, extents);
  configuration.add(cudaLaunchAttributeProgrammaticStreamSerialization)
      .val.programmaticStreamSerializationAllowed = 1;
  gpu::check<CudaApi>(cudaLaunchKernelExC(configuration.get(), kernel, arguments.data()),
                      "LaunchKernelExC");
}

int max_clusters(const void* kernel, const Extents& extents) {
  const Configuration configuration(nullptr, extents);
  int clusters = 0;
  gpu::check<CudaApi>(cudaOccupancyMaxActiveClusters(&clusters, kernel, configuration.get()),
                      "OccupancyMaxActiveClusters");
  return clusters;
}

}  // namespace switchyard::sm90
