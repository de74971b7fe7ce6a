// SPDX-License-Identifier: Apache-2.0
/// \file
/// Graphs of forwards, captured as they are met and replayed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>

#include "switchyard/moe_layer.hpp"

namespace switchyard {

/// Choices of a GraphCache.
struct GraphCacheOptions {
  std::size_t max_graphs = 64;     ///< At least 1; the graph unused for longest makes room.
  std::int32_t warm_up_calls = 1;  ///< Eager calls of a key before it is captured; at least 0.
  std::int32_t retry_calls =
      64;  ///< Eager calls of a key between a failed capture and the next; at least 1.
};

/// What a cache has done since it was made.
struct GraphCacheCounts {
  std::uint64_t eager_calls = 0;
  std::uint64_t captures = 0;
  std::uint64_t failed_captures = 0;
  std::uint64_t replays = 0;
  std::uint64_t evictions = 0;
};

/// Forwards of one layer through graphs. A call is known by all that its launches depend on: the
/// extents, dtypes and addresses of its inputs and of its scratch, and the block size. The first
/// calls of a key run eagerly; then it is captured and replayed. A capture that fails leaves that
/// call eager and is tried again after some calls; other keys are not affected. Contents of the
/// inputs, the live token count among them, may change from call to call.
///
/// Not thread-safe: one cache serves one thread. The layer and the backend outlive it, and it
/// outlives the streams' use of its graphs.
template <Backend B>
class GraphCache {
 public:
  using Stream = typename B::Stream;

  /// Throws Error{invalid_argument} for an option out of its range.
  GraphCache(B& backend, MoeLayer<B>& layer, const GraphCacheOptions& options = {});

  /// MoeLayer::forward, eager or as a graph. Where the layer takes the host path, always eager.
  /// While the stream is being captured by the caller, the forward becomes part of that capture.
  RoutePlan<B> forward(Stream& stream, const MoeInputs& inputs, const MoeScratch<B>& scratch);
  /// A temporary scratch would be gone before the stream has used it.
  RoutePlan<B> forward(Stream& stream, const MoeInputs& inputs,
                       const MoeScratch<B>&& scratch) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] const GraphCacheCounts& counts() const noexcept { return counts_; }

  /// Drops every graph. The streams have passed them by then.
  void clear() noexcept { entries_.clear(); }

 private:
  struct Key {
    MoeInputs inputs;
    DeviceRouteScratch<B> route;
    MoeIntermediates<B> intermediates;

    bool operator==(const Key&) const = default;
  };
  struct Entry {
    Key key;
    std::int32_t eager_calls_left;
    std::optional<typename B::Graph> graph;
    RoutePlan<B> plan;
  };

  Entry& find_or_insert(const Key& key);
  RoutePlan<B> run_eagerly(Stream& stream, const Key& key);
  bool capture(Stream& stream, Entry& entry);

  B& backend_;
  MoeLayer<B>& layer_;
  GraphCacheOptions options_;
  GraphCacheCounts counts_;
  std::list<Entry> entries_;  // the one used last in front
};

}  // namespace switchyard
