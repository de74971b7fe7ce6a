// SPDX-License-Identifier: Apache-2.0
#include "router_text.hpp"

#include <fmt/format.h>

namespace switchyard::tools {

std::string router_text(const LayerConfig& config, const HostMoeWeights& weights) {
  const RouterConfig& router = config.router;
  std::string text = router.score == ScoreFunction::identity
                         ? fmt::format("{} logits", config.num_experts)
                         : fmt::format("{} of {} logits", name(router.score), config.num_experts);
  if (weights.router_bias.present()) {
    text += " (with bias)";
  }
  text += fmt::format("; the best {}", config.top_k);
  if (weights.correction_bias.present()) {
    text += " by score + correction bias";
  }
  if (router.num_groups > 1) {
    text += fmt::format(" in the best {} of {} groups", router.kept_groups, router.num_groups);
  }
  if (router.weights_from == WeightsFrom::softmax_over_selected) {
    text += "; softmax over the selected";
  }
  switch (router.renormalize) {
    case Renormalize::none:
      break;
    case Renormalize::divide_by_sum:
      text += router.epsilon > 0.0F ? fmt::format("; divided by (sum + {})", router.epsilon)
                                    : std::string("; divided by the sum");
      break;
    case Renormalize::divide_by_clamped_sum:
      text += fmt::format("; divided by max(sum, {})", router.epsilon);
      break;
  }
  if (router.scaling_factor != 1.0F) {
    text += fmt::format("; * {}", router.scaling_factor);
  }
  if (router.weight_site == WeightSite::expert_input) {
    text += "; applied to the expert's input";
  }
  if (config.shared_expert.intermediate_size > 0) {
    text += config.shared_expert.gated ? "; + gated shared expert" : "; + shared expert";
  }
  return text;
}

}  // namespace switchyard::tools
