// SPDX-License-Identifier: Apache-2.0
// The parameter blocks of the carried SPIR-V against those of C++: every member's name, offset and
// size.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/combine/params.hpp"
#include "kernels/count_blocks/params.hpp"
#include "kernels/down/params.hpp"
#include "kernels/down_combine/params.hpp"
#include "kernels/gate/params.hpp"
#include "kernels/gate_up/params.hpp"
#include "kernels/plan/params.hpp"
#include "kernels/probe/params.hpp"
#include "kernels/route/params.hpp"
#include "kernels/route_plan/push_params.hpp"
#include "support/catch.hpp"

using namespace switchyard;
using namespace switchyard::kernels;

namespace {

struct Member {
  std::string name;
  std::size_t offset;
  std::size_t size;

  bool operator==(const Member&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Member& member) {
  return out << member.name << " at " << member.offset << ", " << member.size << " bytes";
}

/// Converts to anything, in an unevaluated initialiser.
struct Any {
  template <class T>
  operator T() const;
};

/// How many members an aggregate has.
template <class T, class... Members>
consteval std::size_t num_members() {
  if constexpr (requires { T{Members{}..., Any{}}; })
    return num_members<T, Members..., Any>();
  else
    return sizeof...(Members);
}

#define SWITCHYARD_MEMBER(name)                         \
  Member {                                              \
#name, offsetof(Params, name), sizeof(Params::name) \
  }

std::vector<Member> members_of(const CombineParams&) {
  using Params = CombineParams;
  return {SWITCHYARD_MEMBER(expert_rows),  SWITCHYARD_MEMBER(pairs_by_token),
          SWITCHYARD_MEMBER(pair_weights), SWITCHYARD_MEMBER(shared_rows),
          SWITCHYARD_MEMBER(shared_gate),  SWITCHYARD_MEMBER(residual),
          SWITCHYARD_MEMBER(live_tokens),  SWITCHYARD_MEMBER(output),
          SWITCHYARD_MEMBER(num_tokens),   SWITCHYARD_MEMBER(top_k),
          SWITCHYARD_MEMBER(hidden_size),  SWITCHYARD_MEMBER(activation_dtype)};
}

std::vector<Member> members_of(const CountBlocksParams&) {
  using Params = CountBlocksParams;
  return {SWITCHYARD_MEMBER(expert_offsets), SWITCHYARD_MEMBER(live_tokens),
          SWITCHYARD_MEMBER(extents),        SWITCHYARD_MEMBER(max_rows),
          SWITCHYARD_MEMBER(num_experts),    SWITCHYARD_MEMBER(block_size),
          SWITCHYARD_MEMBER(tile_rows),      SWITCHYARD_MEMBER(tile_items),
          SWITCHYARD_MEMBER(block_items),    SWITCHYARD_MEMBER(max_blocks)};
}

std::vector<Member> members_of(const DownParams&) {
  using Params = DownParams;
  return {SWITCHYARD_MEMBER(activated),
          SWITCHYARD_MEMBER(down),
          SWITCHYARD_MEMBER(bias),
          SWITCHYARD_MEMBER(expert_rows),
          SWITCHYARD_MEMBER(expert_offsets),
          SWITCHYARD_MEMBER(sorted_tokens),
          SWITCHYARD_MEMBER(block_ids),
          SWITCHYARD_MEMBER(live_tokens),
          SWITCHYARD_MEMBER(max_rows),
          SWITCHYARD_MEMBER(hidden_size),
          SWITCHYARD_MEMBER(intermediate_size),
          SWITCHYARD_MEMBER(num_experts),
          SWITCHYARD_MEMBER(block_size),
          SWITCHYARD_MEMBER(activation_dtype),
          SWITCHYARD_MEMBER(weight_dtype),
          SWITCHYARD_MEMBER(weight_layout)};
}

std::vector<Member> members_of(const DownCombineParams&) {
  using Params = DownCombineParams;
  return {SWITCHYARD_MEMBER(activated),    SWITCHYARD_MEMBER(down),
          SWITCHYARD_MEMBER(bias),         SWITCHYARD_MEMBER(selected_ids),
          SWITCHYARD_MEMBER(expert_map),   SWITCHYARD_MEMBER(pairs_by_token),
          SWITCHYARD_MEMBER(pair_weights), SWITCHYARD_MEMBER(shared_rows),
          SWITCHYARD_MEMBER(shared_gate),  SWITCHYARD_MEMBER(residual),
          SWITCHYARD_MEMBER(live_tokens),  SWITCHYARD_MEMBER(output),
          SWITCHYARD_MEMBER(num_tokens),   SWITCHYARD_MEMBER(top_k),
          SWITCHYARD_MEMBER(hidden_size),  SWITCHYARD_MEMBER(intermediate_size)};
}

std::vector<Member> members_of(const GateParams&) {
  using Params = GateParams;
  return {SWITCHYARD_MEMBER(hidden_states),
          SWITCHYARD_MEMBER(weight),
          SWITCHYARD_MEMBER(bias),
          SWITCHYARD_MEMBER(live_tokens),
          SWITCHYARD_MEMBER(logits),
          SWITCHYARD_MEMBER(num_tokens),
          SWITCHYARD_MEMBER(hidden_size),
          SWITCHYARD_MEMBER(num_outputs),
          SWITCHYARD_MEMBER(activation_dtype),
          SWITCHYARD_MEMBER(rounding)};
}

std::vector<Member> members_of(const GateUpParams&) {
  using Params = GateUpParams;
  return {SWITCHYARD_MEMBER(hidden_states),
          SWITCHYARD_MEMBER(gate_up),
          SWITCHYARD_MEMBER(bias),
          SWITCHYARD_MEMBER(activated),
          SWITCHYARD_MEMBER(expert_offsets),
          SWITCHYARD_MEMBER(packed_token_idx),
          SWITCHYARD_MEMBER(sorted_tokens),
          SWITCHYARD_MEMBER(block_ids),
          SWITCHYARD_MEMBER(pairs_by_token),
          SWITCHYARD_MEMBER(pair_weights),
          SWITCHYARD_MEMBER(live_tokens),
          SWITCHYARD_MEMBER(max_rows),
          SWITCHYARD_MEMBER(top_k),
          SWITCHYARD_MEMBER(hidden_size),
          SWITCHYARD_MEMBER(intermediate_size),
          SWITCHYARD_MEMBER(num_experts),
          SWITCHYARD_MEMBER(block_size),
          SWITCHYARD_MEMBER(alpha),
          SWITCHYARD_MEMBER(limit),
          SWITCHYARD_MEMBER(activation),
          SWITCHYARD_MEMBER(input_rounding),
          SWITCHYARD_MEMBER(activation_dtype),
          SWITCHYARD_MEMBER(weight_dtype),
          SWITCHYARD_MEMBER(weight_layout)};
}

std::vector<Member> members_of(const PlanParams&) {
  using Params = PlanParams;
  return {SWITCHYARD_MEMBER(selected_ids),
          SWITCHYARD_MEMBER(pair_weights),
          SWITCHYARD_MEMBER(expert_map),
          SWITCHYARD_MEMBER(live_tokens),
          SWITCHYARD_MEMBER(pairs_by_token),
          SWITCHYARD_MEMBER(packed_token_idx),
          SWITCHYARD_MEMBER(expert_offsets),
          SWITCHYARD_MEMBER(sorted_tokens),
          SWITCHYARD_MEMBER(block_ids),
          SWITCHYARD_MEMBER(total_post_pad),
          SWITCHYARD_MEMBER(scratch),
          SWITCHYARD_MEMBER(num_tokens),
          SWITCHYARD_MEMBER(top_k),
          SWITCHYARD_MEMBER(num_experts),
          SWITCHYARD_MEMBER(num_local_experts),
          SWITCHYARD_MEMBER(block_size),
          SWITCHYARD_MEMBER(pair_capacity),
          SWITCHYARD_MEMBER(slot_capacity),
          SWITCHYARD_MEMBER(block_capacity)};
}

std::vector<Member> members_of(const ProbeReadsParams&) {
  using Params = ProbeReadsParams;
  return {SWITCHYARD_MEMBER(from), SWITCHYARD_MEMBER(sink), SWITCHYARD_MEMBER(num_pieces)};
}

std::vector<Member> members_of(const RouteParams&) {
  using Params = RouteParams;
  return {SWITCHYARD_MEMBER(router_logits), SWITCHYARD_MEMBER(correction_bias),
          SWITCHYARD_MEMBER(live_tokens),   SWITCHYARD_MEMBER(selected_ids),
          SWITCHYARD_MEMBER(pair_weights),  SWITCHYARD_MEMBER(num_tokens),
          SWITCHYARD_MEMBER(num_experts),   SWITCHYARD_MEMBER(top_k),
          SWITCHYARD_MEMBER(num_groups),    SWITCHYARD_MEMBER(kept_groups),
          SWITCHYARD_MEMBER(epsilon),       SWITCHYARD_MEMBER(scaling_factor),
          SWITCHYARD_MEMBER(logits_dtype),  SWITCHYARD_MEMBER(activation_dtype),
          SWITCHYARD_MEMBER(score),         SWITCHYARD_MEMBER(group_score),
          SWITCHYARD_MEMBER(group_fill),    SWITCHYARD_MEMBER(weights_from),
          SWITCHYARD_MEMBER(renormalize),   SWITCHYARD_MEMBER(weights_rounding)};
}

#define SWITCHYARD_TILE_MEMBERS                                                                    \
  SWITCHYARD_MEMBER(logits_or_ids), SWITCHYARD_MEMBER(bias_or_weights),                            \
      SWITCHYARD_MEMBER(live_tokens), SWITCHYARD_MEMBER(expert_map),                               \
      SWITCHYARD_MEMBER(selected_ids), SWITCHYARD_MEMBER(pair_weights),                            \
      SWITCHYARD_MEMBER(pairs_by_token), SWITCHYARD_MEMBER(epsilon),                               \
      SWITCHYARD_MEMBER(scaling_factor), SWITCHYARD_MEMBER(experts),                               \
      SWITCHYARD_MEMBER(last_group), SWITCHYARD_MEMBER(last_kept_group), SWITCHYARD_MEMBER(top_k), \
      SWITCHYARD_MEMBER(tile_tokens), SWITCHYARD_MEMBER(recipe_low),                               \
      SWITCHYARD_MEMBER(recipe_high), SWITCHYARD_MEMBER(block_bits), SWITCHYARD_MEMBER(given)

std::vector<Member> members_of(const RouteTileParams&) {
  using Params = RouteTileParams;
  return {SWITCHYARD_TILE_MEMBERS, SWITCHYARD_MEMBER(num_tokens), SWITCHYARD_MEMBER(counts)};
}

std::vector<Member> members_of(const RoutePlanBlockParams&) {
  using Params = RoutePlanBlockParams;
  return {SWITCHYARD_TILE_MEMBERS,
          SWITCHYARD_MEMBER(pair_capacity),
          SWITCHYARD_MEMBER(packed_token_idx),
          SWITCHYARD_MEMBER(expert_offsets),
          SWITCHYARD_MEMBER(sorted_tokens),
          SWITCHYARD_MEMBER(block_ids),
          SWITCHYARD_MEMBER(total_post_pad),
          SWITCHYARD_MEMBER(slot_capacity),
          SWITCHYARD_MEMBER(block_capacity)};
}

/// The words of one body.
std::vector<std::uint32_t> read_words(std::string_view body) {
  std::ifstream file(std::string(SWITCHYARD_SPIRV_DIR "/").append(body).append(".inc"));
  std::vector<std::uint32_t> words;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("//")) continue;
    for (std::size_t at = line.find("0x"); at != std::string::npos; at = line.find("0x", at + 2))
      words.push_back(static_cast<std::uint32_t>(std::stoul(line.substr(at), nullptr, 16)));
  }
  return words;
}

/// The struct of push constants: the only one whose members have names.
std::vector<Member> members_in_spirv(const std::vector<std::uint32_t>& words) {
  constexpr std::uint32_t kMemberName = 6;
  constexpr std::uint32_t kTypeInt = 21;
  constexpr std::uint32_t kTypeFloat = 22;
  constexpr std::uint32_t kTypeStruct = 30;
  constexpr std::uint32_t kMemberDecorate = 72;
  constexpr std::uint32_t kOffset = 35;
  std::map<std::uint32_t, std::string> names;
  std::map<std::uint32_t, std::size_t> offsets;
  std::map<std::uint32_t, std::size_t> sizes;  // of types
  std::uint32_t block = 0;
  std::vector<Member> members;
  for (std::size_t at = 5; at < words.size(); at += words[at] >> 16U) {
    const std::uint32_t* const code = &words[at];
    const std::uint32_t length = *code >> 16U;
    const std::uint32_t operation = *code & 0xffffU;
    REQUIRE(length > 0);
    if (operation == kMemberName) {
      block = code[1];
      names[code[2]] = reinterpret_cast<const char*>(code + 3);
    } else if (operation == kMemberDecorate && code[1] == block && code[3] == kOffset) {
      offsets[code[2]] = code[4];
    } else if (operation == kTypeInt || operation == kTypeFloat) {
      sizes[code[1]] = code[2] / 8;
    } else if (operation == kTypeStruct && code[1] == block) {
      for (std::uint32_t i = 0; i + 2 < length; ++i)
        members.push_back({names[i], offsets[i], sizes[code[i + 2]]});
    }
  }
  return members;
}

template <class Params>
void check_layout(std::string_view body) {
  INFO("body " << body);
  std::vector<Member> expected = members_of(Params{});
  REQUIRE(expected.size() == num_members<Params>());
  for (Member& member : expected)
    if (member.name == "output") member.name = "output_rows";  // a reserved word of GLSL
  CHECK(members_in_spirv(read_words(body)) == expected);
}

}  // namespace

TEST_CASE("the parameter blocks of the SPIR-V have the layout of C++", "[vulkan]") {
  check_layout<CombineParams>("combine");
  check_layout<CountBlocksParams>("count_blocks");
  check_layout<GateParams>("gate");
  for (const std::string form : {"", "_vector_f32", "_vector_bf16", "_vector_f16", "_matrix_bf16",
                                 "_matrix_f16", "_matrix_bf16_emulated", "_matrix_f16_emulated"}) {
    check_layout<DownParams>("down" + form);
    check_layout<GateUpParams>("gate_up" + form);
  }
  for (const std::string form : {"_f32", "_bf16", "_f16"})
    check_layout<DownCombineParams>("down_combine_vector" + form);
  for (const std::string form : {"_bf16", "_f16", "_bf16_emulated", "_f16_emulated"})
    check_layout<DownParams>("down_strip" + form);
  check_layout<ProbeReadsParams>("probe_reads");
  check_layout<RouteParams>("route");
  for (const std::string per_lane : {"_4", "_8", "_16"}) {
    check_layout<RouteTileParams>("route_tile" + per_lane);
    check_layout<RoutePlanBlockParams>("route_plan_block" + per_lane);
  }
  for (const std::string_view body : {"plan_block", "plan_count", "plan_scan", "plan_scatter",
                                      "plan_fill", "scan_tiles", "place_tile"})
    check_layout<PlanParams>(body);
}
