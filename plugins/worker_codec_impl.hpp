// The conversions without the detour over bytes, for those who have the messages. Private to plugins/.
#pragma once

#include "plugins/worker_codec.hpp"
#include "proto/worker.pb.h"

namespace dsf::plugins {

void to_proto(const activation& a, worker::v1::Activation& out);
base::result<outcome> from_proto(worker::v1::Outcome&& in);
void to_proto(const bpmn::value& v, dsf::pb::Value& out);
base::result<bpmn::value> from_proto(dsf::pb::Value&& in);

}  // namespace dsf::plugins
