// Jobs, subscriptions and the other parts that events and snapshots share. Private to storage/instances.
#pragma once

#include "storage/instances/value_codec.hpp"

namespace dsf::storage::instance_codec {

// Positions are stored plus one: 0 = none takes no room.
inline std::uint32_t put_index(std::uint32_t n) { return n + 1; }
inline std::uint32_t take_index(std::uint32_t n) { return n - 1; }
// Unknown numbers of an enumeration are damage; the decoder's caller sees `ok` false.
template <class Enum>
Enum take_enum(std::uint32_t n, Enum last, bool& ok) {
  if (n > static_cast<std::uint32_t>(last)) ok = false;
  return static_cast<Enum>(n);
}

void put(const bpmn::job& j, pb::Job& out);
bpmn::job take(pb::Job&& in, bool& ok);
void put(const bpmn::subscription& s, pb::Subscription& out);
bpmn::subscription take(pb::Subscription&& in, bool& ok);
// Of messages and Task changes long JSON texts are put aside; without `aside` they are whole, as workers send and get them.
void put(const bpmn::open_message& m, pb::OpenMessage& out, large_values* aside = nullptr);
bpmn::open_message take(pb::OpenMessage&& in, taking* t = nullptr);
void put(const bpmn::user_task& t, pb::UserTask& out);
bpmn::user_task take(pb::UserTask&& in);
void put(const bpmn::incident& i, pb::Incident& out);
bpmn::incident take(pb::Incident&& in);
void put(const bpmn::task_change& c, pb::TaskChange& out, large_values* aside = nullptr);
bpmn::task_change take(pb::TaskChange&& in, taking* t = nullptr);
void put(const bpmn::loop_state& l, pb::Loop& out);
bpmn::loop_state take(const pb::Loop& in);
void put(const bpmn::variable& v, pb::Variable& out, large_values& aside);
bpmn::variable take(pb::Variable&& in, taking& t);

}  // namespace dsf::storage::instance_codec
