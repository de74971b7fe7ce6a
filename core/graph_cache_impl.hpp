// SPDX-License-Identifier: Apache-2.0
// GraphCache<B>, for those who instantiate it over a backend.
#pragma once

#include <utility>

#include "core/checks.hpp"
#include "core/out_of_memory.hpp"
#include "switchyard/error.hpp"
#include "switchyard/graph_cache.hpp"

namespace switchyard {

template <Backend B>
GraphCache<B>::GraphCache(B& backend, MoeLayer<B>& layer, const GraphCacheOptions& options)
    : backend_(backend), layer_(layer), options_(options) {
  core::check_graph_cache_options(options);
}

template <Backend B>
RoutePlan<B> GraphCache<B>::forward(Stream& stream, const MoeInputs& inputs,
                                    const MoeScratch<B>& scratch) {
  const Key key{inputs, scratch.route(inputs.hidden_states.rows), scratch.intermediates()};
  if (layer_.route_path(true) == RoutePath::host || stream.is_capturing())
    return run_eagerly(stream, key);
  Entry& entry = core::translate_bad_alloc([&]() -> Entry& { return find_or_insert(key); });
  if (!entry.graph) {
    if (entry.eager_calls_left > 0) {
      --entry.eager_calls_left;
      return run_eagerly(stream, key);
    }
    if (!capture(stream, entry)) return run_eagerly(stream, key);
  }
  backend_.replay(stream, *entry.graph);
  ++counts_.replays;
  return entry.plan;
}

template <Backend B>
typename GraphCache<B>::Entry& GraphCache<B>::find_or_insert(const Key& key) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
    if (entry->key == key) {
      entries_.splice(entries_.begin(), entries_, entry);
      return entries_.front();
    }
  if (entries_.size() >= options_.max_graphs) {
    entries_.pop_back();
    ++counts_.evictions;
  }
  entries_.push_front(Entry{key, options_.warm_up_calls, std::nullopt, {}});
  return entries_.front();
}

template <Backend B>
RoutePlan<B> GraphCache<B>::run_eagerly(Stream& stream, const Key& key) {
  ++counts_.eager_calls;
  return layer_.forward(stream, key.inputs, key.intermediates, &key.route);
}

/// Bad arguments throw as they do in an eager call; what the device refuses to capture does not.
template <Backend B>
bool GraphCache<B>::capture(Stream& stream, Entry& entry) {
  try {
    entry.graph.emplace(backend_.capture(stream, [&] {
      entry.plan =
          layer_.forward(stream, entry.key.inputs, entry.key.intermediates, &entry.key.route);
    }));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument || error.code() == ErrorCode::capacity_exceeded)
      throw;
    ++counts_.failed_captures;
    entry.eager_calls_left = options_.retry_calls;
    return false;
  }
  ++counts_.captures;
  return true;
}

}  // namespace switchyard
