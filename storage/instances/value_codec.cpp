#include "storage/instances/value_codec.hpp"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "base/bytes.hpp"

namespace dsf::storage::instance_codec {
namespace {

template <class... F>
struct overloaded : F... {
  using F::operator()...;
};

std::string grab(std::string* s) { return std::move(*s); }

bpmn::fhir_resource take_resource(pb::FhirResource& in) { return {grab(in.mutable_type()), grab(in.mutable_json())}; }
void put_resource(const bpmn::fhir_resource& r, pb::FhirResource& out) {
  out.set_type(r.type);
  out.set_json(r.json);
}

}  // namespace

void put(const bpmn::target& t, pb::Target& out) {
  out.set_organization_identifier(t.organization_identifier);
  out.set_endpoint_identifier(t.endpoint_identifier);
  out.set_endpoint_url(t.endpoint_url);
  out.set_correlation_key(t.correlation_key);
}

bpmn::target take(pb::Target&& in) {
  return {grab(in.mutable_organization_identifier()), grab(in.mutable_endpoint_identifier()), grab(in.mutable_endpoint_url()),
          grab(in.mutable_correlation_key())};
}

void put(const bpmn::fhir_reference& r, pb::FhirReference& out) {
  out.set_type(r.type);
  out.set_id(r.id);
  out.set_version(r.version);
}

bpmn::fhir_reference take(pb::FhirReference&& in) { return {grab(in.mutable_type()), grab(in.mutable_id()), in.version()}; }

// What handlers keep of patients are resources and what they make of them; plain texts, numbers and targets are the process's own.
static bool may_carry_patient_data(const bpmn::value& v) {
  return std::visit(overloaded{
                        [](const auto&) { return false; },
                        [](const bpmn::bytes&) { return true; },
                        [](const bpmn::fhir_resource&) { return true; },
                        [](const bpmn::fhir_resource_list&) { return true; },
                        [](const bpmn::json_object&) { return true; },
                        [](const bpmn::opaque_object&) { return true; },
                        [](const bpmn::plugin_typed&) { return true; },
                        [](const bpmn::value_list& l) { return std::ranges::any_of(l, may_carry_patient_data); },
                        [](const bpmn::value_map& m) {
                          return std::ranges::any_of(m, [](const auto& entry) { return may_carry_patient_data(entry.second); });
                        },
                    },
                    v.raw());
}

// Nesting is bounded where values come in (bpmn/execution, value_depth_limit).
void put(const bpmn::value& v, pb::Value& out) {
  std::visit(overloaded{
                 [&](std::monostate) { out.clear_kind(); },
                 [&](bool b) { out.set_boolean(b); },
                 [&](std::int16_t i) { out.set_i16(i); },
                 [&](std::int32_t i) { out.set_i32(i); },
                 [&](std::int64_t i) { out.set_i64(i); },
                 [&](double d) { out.set_f64(d); },
                 [&](const bpmn::decimal& d) { out.set_decimal(d.text); },
                 [&](const std::string& s) { out.set_text(s); },
                 [&](base::timestamp t) { out.set_timestamp_us(t.us); },
                 [&](const bpmn::bytes& b) { out.set_raw(b.data); },
                 [&](const bpmn::value_list& l) {
                   auto* list = out.mutable_list();
                   for (const auto& item : l) put(item, *list->add_entries());
                 },
                 [&](const bpmn::value_map& m) {
                   auto* map = out.mutable_map();
                   for (const auto& [name, item] : m) {
                     auto* entry = map->add_entries();
                     entry->set_name(name);
                     put(item, *entry->mutable_content());
                   }
                 },
                 [&](const bpmn::string_list& l) {
                   auto* list = out.mutable_strings();
                   for (const auto& item : l) list->add_entries(item);
                 },
                 [&](const bpmn::target& t) { put(t, *out.mutable_target()); },
                 [&](const bpmn::targets& t) {
                   auto* list = out.mutable_targets();
                   for (const auto& item : t.entries) put(item, *list->add_entries());
                 },
                 [&](const bpmn::fhir_resource& r) { put_resource(r, *out.mutable_resource()); },
                 [&](const bpmn::fhir_resource_list& l) {
                   auto* list = out.mutable_resources();
                   for (const auto& item : l.entries) put_resource(item, *list->add_entries());
                 },
                 [&](const bpmn::fhir_reference& r) { put(r, *out.mutable_reference()); },
                 [&](const bpmn::json_object& j) {
                   out.mutable_json()->set_class_name(j.class_name);
                   out.mutable_json()->set_json(j.json);
                 },
                 [&](const bpmn::opaque_object& o) {
                   auto* opaque = out.mutable_opaque();
                   opaque->set_class_name(o.class_name);
                   opaque->set_data(o.data);
                   opaque->set_owner(o.owner);
                 },
                 [&](const bpmn::plugin_typed& p) {
                   auto* typed = out.mutable_typed();
                   typed->set_serializer(p.serializer);
                   typed->set_text(p.text);
                   typed->set_number(p.number);
                   typed->set_data(p.data);
                 },
                 [&](const bpmn::blob_reference& b) {
                   auto* blob = out.mutable_blob();
                   blob->set_id(b.id);
                   blob->set_size(b.size);
                   blob->set_sha256(b.sha256);
                 },
             },
             v.raw());
}

bpmn::value take(pb::Value&& in, bool& ok) {
  switch (in.kind_case()) {
    case pb::Value::KIND_NOT_SET: return {};
    case pb::Value::kBoolean: return bpmn::value(in.boolean());
    case pb::Value::kI16: return bpmn::value(static_cast<std::int16_t>(in.i16()));
    case pb::Value::kI32: return bpmn::value(static_cast<std::int32_t>(in.i32()));
    case pb::Value::kI64: return bpmn::value(static_cast<std::int64_t>(in.i64()));
    case pb::Value::kF64: return bpmn::value(in.f64());
    case pb::Value::kDecimal: return bpmn::value(bpmn::decimal{grab(in.mutable_decimal())});
    case pb::Value::kText: return bpmn::value(grab(in.mutable_text()));
    case pb::Value::kTimestampUs: return bpmn::value(base::timestamp{in.timestamp_us()});
    case pb::Value::kRaw: return bpmn::value(bpmn::bytes{grab(in.mutable_raw())});
    case pb::Value::kList: {
      bpmn::value_list list;
      for (auto& item : *in.mutable_list()->mutable_entries()) list.push_back(take(std::move(item), ok));
      return bpmn::value(std::move(list));
    }
    case pb::Value::kMap: {
      bpmn::value_map map;
      for (auto& item : *in.mutable_map()->mutable_entries())
        map.emplace_back(grab(item.mutable_name()), take(std::move(*item.mutable_content()), ok));
      return bpmn::value(std::move(map));
    }
    case pb::Value::kStrings: {
      bpmn::string_list list;
      for (auto& item : *in.mutable_strings()->mutable_entries()) list.push_back(std::move(item));
      return bpmn::value(std::move(list));
    }
    case pb::Value::kTarget: return bpmn::value(take(std::move(*in.mutable_target())));
    case pb::Value::kTargets: {
      bpmn::targets list;
      for (auto& item : *in.mutable_targets()->mutable_entries()) list.entries.push_back(take(std::move(item)));
      return bpmn::value(std::move(list));
    }
    case pb::Value::kResource: return bpmn::value(take_resource(*in.mutable_resource()));
    case pb::Value::kResources: {
      bpmn::fhir_resource_list list;
      for (auto& item : *in.mutable_resources()->mutable_entries()) list.entries.push_back(take_resource(item));
      return bpmn::value(std::move(list));
    }
    case pb::Value::kReference: return bpmn::value(take(std::move(*in.mutable_reference())));
    case pb::Value::kJson:
      return bpmn::value(bpmn::json_object{grab(in.mutable_json()->mutable_class_name()), grab(in.mutable_json()->mutable_json())});
    case pb::Value::kOpaque: {
      auto& o = *in.mutable_opaque();
      return bpmn::value(bpmn::opaque_object{grab(o.mutable_class_name()), grab(o.mutable_data()), grab(o.mutable_owner())});
    }
    case pb::Value::kTyped: {
      auto& p = *in.mutable_typed();
      return bpmn::value(bpmn::plugin_typed{grab(p.mutable_serializer()), grab(p.mutable_text()), p.number(), grab(p.mutable_data())});
    }
    case pb::Value::kBlob: {
      auto& b = *in.mutable_blob();
      return bpmn::value(bpmn::blob_reference{grab(b.mutable_id()), b.size(), grab(b.mutable_sha256())});
    }
    case pb::Value::kLarge: break;
  }
  ok = false;
  return {};
}

void put_content(const bpmn::value& v, pb::Value& out, large_values& aside) {
  put(v, out);
  const auto size = out.ByteSizeLong();
  if (size <= large_value_limit && !(aside.takes_small_data() && may_carry_patient_data(v))) return;
  auto sha256 = aside.refer(out.SerializeAsString());
  auto* large = out.mutable_large();  // takes the value's place
  large->set_sha256(std::move(sha256));
  large->set_size(size);
}

bpmn::shared_value take_content(pb::Value&& in, taking& t) {
  if (!in.has_large()) return {take(std::move(in), t.ok)};
  auto& large = *in.mutable_large();
  if (t.values == nullptr) return {bpmn::value(bpmn::blob_reference{{}, large.size(), base::to_hex(large.sha256())})};
  if (t.error) return {};
  auto found = t.values->find(large.sha256(), large.size());
  if (found) return *std::move(found);
  t.error = std::move(found).error();
  return {};
}

bool parse(std::string_view bytes, google::protobuf::MessageLite& out) {
  google::protobuf::io::ArrayInputStream raw(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream in(&raw);
  in.SetRecursionLimit(200);  // values nest up to bpmn::value_depth_limit, two messages a level
  return out.ParseFromCodedStream(&in) && in.ConsumedEntireMessage();
}

}  // namespace dsf::storage::instance_codec
