// SPDX-License-Identifier: Apache-2.0
// Everything generic over the archetype. Compiled, linked into nothing.
#include "core/moe_layer_impl.hpp"
#include "support/archetype_backend.hpp"
#include "switchyard/moe_forward.hpp"

using switchyard::test::ArchetypeBackend;

template class switchyard::MoeScratch<ArchetypeBackend>;
template class switchyard::MoeLayer<ArchetypeBackend>;
template switchyard::RoutePlan<ArchetypeBackend> switchyard::moe_forward_bucketed(
    const switchyard::MoeForwardParams<ArchetypeBackend>& params);
