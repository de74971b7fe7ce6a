// SPDX-License-Identifier: Apache-2.0
// One wave routes one token, whose row is in its registers, in two halves: which experts, and with
// which weights. Two waves may do a half each.
#pragma once

#include <cstdint>

#include "kernels/route/params.hpp"
#include "kernels/route/simt_register_row.hpp"
#include "kernels/route/simt_scores.hpp"

namespace switchyard::kernels::simt {

template <class Ctx, int PerLane, Ranking By>
class TokenRouter {
 public:
  SWITCHYARD_FN TokenRouter(Ctx& ctx, const RouteParams& params)
      : params_(params), row_{ctx, params, {}, {}, {}}, scores_{ctx, params} {}

  SWITCHYARD_FN void load(std::int64_t token) {
    scores_.token = token;
    row_.load_row(token);
  }

  /// chosen[k] = expert, the best first. keys: [E], groups: [num_groups], shared and of the wave's
  /// own, where there are groups.
  template <class Ids, class Keys>
  SWITCHYARD_FN void select(Ids& chosen, Keys keys, Keys groups) {
    rank();
    choose(chosen, keys, groups);
  }

  /// The first half of select: what the experts are ranked by.
  SWITCHYARD_FN void rank() { row_.rank(scores_); }
  /// In its place, where others have done so: keys, [E].
  template <class Keys>
  SWITCHYARD_FN void take_ranked(const Keys& keys) {
    row_.take_keys(keys);
  }
  /// The second half. As select.
  template <class Ids, class Keys>
  SWITCHYARD_FN void choose(Ids& chosen, Keys keys, Keys groups) {
    if (By == Ranking::selections && params_.num_groups > 1)
      row_.drop_groups(scores_, keys, groups);
    row_.select(chosen);
  }

  /// Comes before weigh, and before select where experts are ranked by more than their logits.
  SWITCHYARD_FN void prepare() {
    if (params_.score == ScoreFunction::softmax) row_.prepare_softmax(scores_);
  }

  /// As RowScores::weigh.
  template <class Ids, class Put>
  SWITCHYARD_FN void weigh(const Ids& chosen, Put put) {
    const bool over_selected = scores_.over_selected();
    // Where keys were made of scores, registers are too few for exponentials to be kept.
    const bool softmax =
        By == Ranking::logits && params_.score == ScoreFunction::softmax && !over_selected;
    scores_.weigh(
        chosen,
        [&](std::int32_t e) {
          if (softmax) {
            const float exponential = row_.value_of(row_.exponentials, e);
            return scores_.sum > 0.0F ? exponential / scores_.sum : 0.0F;
          }
          const float logit = row_.value_of(row_.logits, e);
          return over_selected ? logit : scores_.score(logit);
        },
        put);
  }

 private:
  const RouteParams& params_;
  RegisterRow<Ctx, PerLane, By> row_;
  RowScores<Ctx> scores_;
};

}  // namespace switchyard::kernels::simt
