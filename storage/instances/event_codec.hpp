// bpmn::event <-> dsf.pb.Event. Private to storage/instances.
#pragma once

#include "bpmn/execution/event.hpp"
#include "storage/instances/parts_codec.hpp"

namespace dsf::storage::instance_codec {

void put(const bpmn::event& e, pb::Event& out, large_values& aside);
// `t.ok` false: the bytes hold no event this program knows.
bpmn::event take(pb::Event&& in, taking& t);

}  // namespace dsf::storage::instance_codec
