// Random searches, right and wrong, with writes between, over a real store; each is also answered by a plain scan (search_scan.test.hpp). Would find: an
// index entry that is missing, stale or in the wrong order; a query form that finds more or less than its rule; a row or a count that the
// caller may not have; a page that is cut wrongly. DSF_SEED chooses another campaign, DSF_REQUESTS its length (10,000 take some seconds).
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "fhir/codec/random_resource.test.hpp"
#include "fhir/semantics/site.test.hpp"
#include "storage/orders.test.hpp"
#include "storage/search_scan.test.hpp"
#include "storage/search_values.test.hpp"
#include "storage/test_support.hpp"

using namespace dsf;
using base::json;
using fhir::query_list;
using fhir::test_site;
using namespace search_values;
using search_scan::form;
using search_scan::parameter;

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t fallback) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

struct asked {
  const parameter* p;
  std::string modifier, value;
};

class campaign {
public:
  explicit campaign(std::uint64_t seed)
      : dice_(seed),
        random_(seed),
        store_(storage::test::open_memory(storage::memory_kv::create())),
        scan_(site_.config.base_url, [this](const std::string& s, const std::string& v) { return named(s, v); }) {
    for (const auto type : fhir::names::served_types) copy(type);
    // What references lead to comes first, so that most of them lead somewhere.
    for (const auto* type : {"Group", "Practitioner", "PractitionerRole", "Patient", "Organization", "Endpoint"})
      for (int i = 0; i < 5; ++i) create(type);
    for (const auto type : fhir::names::served_types)
      for (int i = 0; i < 12; ++i) create(type);
  }

  std::size_t hits = 0, faulty = 0, writes = 0;

  void step() {
    if (below(5) == 0) {
      ++writes;
      write();
    }
    search();
  }

private:
  std::size_t below(std::size_t n) { return dice_.u64() % n; }
  template <class T, std::size_t N>
  const T& of(const T (&list)[N]) {
    return list[below(N)];
  }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[below(list.size())];
  }

  // ---- what is stored ----

  std::string named(const std::string& system, const std::string& value) const {
    if (system == fhir::names::organization_sid)
      if (const auto* o = site_.allow_list->organization(value)) return "Organization/" + o->id.to_string();
    if (system == fhir::names::endpoint_sid)
      for (const auto& e : site_.allow_list->endpoints())
        if (e.identifier == value) return "Endpoint/" + e.id.to_string();
    return {};
  }

  json identifier(bool coding) {
    json out;
    const std::string system = of(systems);
    if (!system.empty()) out.set("system", system);
    out.set(coding ? "code" : "value", std::string(of(codes)));
    return out;
  }
  json reference(const parameter& p) {
    json out;
    const std::string type(of(p.targets));
    const auto way = below(6);
    if (way == 0) {
      out.set("type", type);
      out.set("identifier", identifier(false));
    } else if (way == 1 && type == "Organization") {
      out.set("identifier",
              fhir::parsed(fmt::format(R"({{"system":"{}","value":"site-{}.example"}})", fhir::names::organization_sid, "abx"[below(3)])));
    } else if (way == 2) {
      out.set("reference", "http://elsewhere.example/fhir/" + type + "/" + base::uuid::random(dice_).to_string());
    } else {
      const auto ids = *store_->view()->all_ids(type, 1'000);
      out.set("reference",
              (way == 3 ? site_.config.base_url + "/" : "") + type + "/" + of(ids).to_string() + (way == 5 ? "/_history/1" : ""));
    }
    return out;
  }
  json element(std::string_view type, const parameter& p) {
    switch (p.is) {
      case form::token: return identifier(p.expression.ends_with("coding"));
      case form::code: return json(p.name == "version" ? std::string(of(versions)) : std::string(of(codes)));
      case form::status: return json(of(statuses(type)));
      case form::boolean: return json(below(2) == 0);
      case form::string: return json(std::string(of(texts)));
      case form::date: return json(std::string(of(dates)));
      case form::reference: return reference(p);
      default: return json(std::string(of(urls)));
    }
  }
  static const std::vector<std::string>& statuses(std::string_view type) {
    static const std::vector<std::string> publication = {"draft", "active", "retired"};
    const auto found = status_codes.find(type);
    return found == status_codes.end() ? publication : found->second;
  }

  // A random resource of R4, whose searched elements mostly have values that requests ask for.
  json resource(std::string_view type) {
    auto out = random_.of(*fhir::find_type(type), false);
    auto meta = fhir::parsed(fmt::format("{{{}}}", test_site::tag(below(3) == 0 ? "LOCAL" : "ALL")));
    if (below(2)) meta.set("profile", json(json::array{json(std::string(of(urls)))}));
    out.set("meta", std::move(meta));
    if (type == "Task" && below(4))
      out.set("restriction",
              fhir::parsed(
                  R"({"recipient":[{"identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a.example"}}]})"));
    if (type == "Task" && below(4) == 0)
      out.set("requester",
              fhir::parsed(R"({"identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-b.example"}})"));
    for (const auto* p : scan_.of(type)) {
      if (p->name == "_profile" || below(5) == 0) continue;
      auto paths = std::string(p->expression);
      if (p->name == "depends-on") paths = "Measure.library";
      const auto bar = paths.find(" | ");
      auto path = bar == std::string::npos ? paths : below(2) ? paths.substr(0, bar) : paths.substr(bar + 3);
      if (const auto dot = path.find('.'); path[0] < 'a') path.erase(0, dot + 1);
      const auto dot = path.find('.');
      const auto name = path.substr(0, dot);
      const auto* info = fhir::find_element(*fhir::find_type(type), name);
      REQUIRE(info);
      json list(json::array{});
      for (std::size_t n = below(3) + (info->array ? 0 : 1); n > 0; --n) {
        auto e = element(type, *p);
        if (dot != std::string::npos && path.ends_with("coding")) e = with("coding", json(json::array{std::move(e)}));
        list.push_back(std::move(e));
      }
      out.erase("_" + name);
      if (dot != std::string::npos && !path.ends_with("coding")) {
        auto* held = out.find(name);
        (held ? *held : out.set(name, json(json::object{}))).set(path.substr(dot + 1), list[std::size_t{0}]);
      } else if (list.size() == 0) {
        out.erase(name);
      } else {
        out.set(name, info->array ? std::move(list) : list[std::size_t{0}]);
      }
    }
    return out;
  }
  static json with(std::string_view name, json value) {
    json out;
    out.set(name, std::move(value));
    return out;
  }

  void copy(std::string_view type) {
    const auto ids = *site_.view.all_ids(type, 10'000);
    for (const auto& id : ids) {
      const auto stored = **site_.view.current(type, id);
      put(fhir::parsed(*stored.bytes), id, 0);
    }
  }

  // Past the rules of writing, with what the endpoint would write.
  void put(const json& resource, base::uuid id, std::uint64_t version) {
    fhir::resource_write w;
    w.what = version ? fhir::resource_write::kind::update : fhir::resource_write::kind::create;
    w.type = resource["resourceType"].str();
    w.id = id;
    w.expected_version = version;
    w.index = fhir::index_entries(resource, site_.allow_list.get(), site_.config.base_url);
    w.access_class = fhir::access_class_of(resource, *site_.allow_list, site_.config.base_url);
    w.body = fhir::make_storable(resource, id).value();
    commit(std::move(w));
  }
  void commit(fhir::resource_write w) {
    fhir::write_set set;
    set.writes.push_back(std::move(w));
    storage::commit c;
    storage::append(c, std::move(set));
    const auto done = store_->submit_wait(std::move(c));
    if (!done) FAIL(done.error().to_string());
  }
  void create(std::string_view type) { put(resource(type), base::uuid::random(dice_), 0); }
  void write() {
    const auto type = fhir::names::served_types[below(fhir::names::served_types.size())];
    const auto ids = *store_->view()->all_ids(type, 10'000);
    const auto way = below(3);
    if (way == 0 || ids.size() < 6) return create(type);
    const auto id = of(ids);
    const auto stored = **store_->view()->current(type, id);
    // The allow-list stays what it is.
    if (stored.bytes->find("dsf.dev/sid/") != std::string::npos) return create(type);
    if (way == 1) return put(resource(type), id, stored.version);
    fhir::resource_write w;
    w.what = fhir::resource_write::kind::remove;
    w.type = type;
    w.id = id;
    w.expected_version = stored.version;
    w.access_class = stored.access_class;
    commit(std::move(w));
  }

  // ---- requests ----

  // A value that some resource has, so that rare values are asked for too.
  std::optional<search_scan::value> held(std::string_view type, const parameter& p) {
    const auto ids = *store_->view()->all_ids(type, 10'000);
    if (ids.empty()) return {};
    const auto all = scan_.values(fhir::parsed(*(**store_->view()->current(type, of(ids))).bytes), p);
    if (all.empty()) return {};
    return of(all);
  }

  asked condition(std::string_view type) {
    const auto all = scan_.of(type);
    asked c{of(all), {}, {}};
    const auto& p = *c.p;
    if (below(9) == 0) return {&p, "missing", below(2) ? "true" : "false"};
    const auto have = below(2) ? held(type, p) : std::nullopt;
    switch (p.is) {
      case form::token: {
        const std::string system = have ? have->system.value_or("") : of(systems), code = have ? have->text : of(codes);
        const auto way = below(4);
        c.value = way == 0 ? code : way == 3 ? std::string(systems[below(2)]) + "|" : system + "|" + code;
        if (p.modifiers && below(3) == 0) c.modifier = "not";
        break;
      }
      case form::code:
        c.value = have ? have->text : p.name == "version" ? of(versions) : of(codes);
        if (below(3) == 0) c.modifier = "not";
        break;
      case form::status:
        c.value = of(statuses(type));
        if (below(3) == 0) c.modifier = "not";
        break;
      case form::boolean: c.value = below(2) ? "true" : "false"; break;
      case form::string: {
        std::string text = have ? have->text : of(texts);
        if (below(2)) text = text.substr(0, static_cast<unsigned char>(text[0]) >= 0x80 ? 2 : 1 + below(3));
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0xC0) text.pop_back();
        c.value = below(2) ? text : search_scan::lower(text);
        const auto way = below(3);
        c.modifier = way == 0 ? "" : way == 1 ? "exact" : "contains";
        break;
      }
      case form::uri:
      case form::canonical:
        c.value = have ? have->text : of(urls);
        if (below(3) == 0) c.modifier = "below";
        break;
      case form::versioned_uri:
        c.value = "http://x.example/a";
        if (below(2)) c.value += "b";
        if (below(3) == 0)
          c.modifier = "below";
        else if (below(2))
          c.value += "|" + std::string(of(versions));
        break;
      case form::canonical_reference:
      case form::prefix: c.value = have && have->text.starts_with("http") ? have->text : of(urls); break;
      case form::date: {
        const std::string day = of(dates);
        c.value = (day.size() < 10 ? prefixes[below(2)] : of(prefixes)) + day;
        break;
      }
      case form::reference: {
        const std::string target_type(of(p.targets));
        const auto ids = *store_->view()->all_ids(target_type, 1'000);
        const auto id = of(ids).to_string();
        switch (below(5)) {
          case 0: c.value = id; break;
          case 1: c.value = target_type + "/" + id; break;
          case 2: c.value = site_.config.base_url + "/" + target_type + "/" + id; break;
          case 3: c.value = have && have->text.starts_with("http") ? have->text : target_type + "/" + id; break;
          default:
            c.modifier = "identifier";
            c.value = (below(2) ? std::string(systems[below(3)]) + "|" : std::string()) + of(codes);
            break;
        }
        break;
      }
    }
    if (c.value.find_first_not_of(" \t\r\n") == std::string::npos) return condition(type);
    if (below(5) == 0) {
      if (p.is == form::status) c.value += "," + of(statuses(type));
      if (p.is == form::date && c.value.size() > 9) c.value += ",le" + std::string(dates[2 + below(5)]);
      if (p.is == form::token && c.value.find('|') != std::string::npos) c.value += ",http://s.example/two|b";
      if (p.is == form::reference && c.modifier.empty()) c.value += "," + reference_value(p);
    }
    return c;
  }

  std::string reference_value(const parameter& p) {
    const std::string type(of(p.targets));
    const auto ids = *store_->view()->all_ids(type, 1'000);
    return type + "/" + of(ids).to_string();
  }

  struct mistake {
    std::string name, value, error;
  };
  std::optional<mistake> wrong(std::string_view type) {
    static const mistake always[] = {
        {"no-such", "1", "UNSUPPORTED_PARAMETER"},          {"_profile:above", "http://x.example/a", "UNSUPPORTED_PARAMETER"},
        {"_id", "not-an-id", "UNPARSABLE_VALUE"},           {"_lastUpdated", "yesterday", "UNPARSABLE_VALUE"},
        {"_lastUpdated", "gt2025", "UNPARSABLE_VALUE"},     {"_profile:missing", "maybe", "UNPARSABLE_VALUE"},
        {"_include", "Nothing:at-all", "UNPARSABLE_VALUE"}, {"_sort", "no-such", "UNPARSABLE_VALUE"},
        {"_summary", "some", "UNPARSABLE_VALUE"},           {"_total", "roughly", "UNPARSABLE_VALUE"}};
    if (below(2)) return always[below(std::size(always))];
    const auto all = scan_.of(type);
    const auto& p = *of(all);
    const std::string name(p.name);
    switch (p.is) {
      case form::status: return mistake{name, "no-status", "UNPARSABLE_VALUE"};
      case form::boolean: return mistake{name, "perhaps", "UNPARSABLE_VALUE"};
      case form::date: return mistake{name, below(2) ? "ap2025-02-01" : "2025-13-01", "UNPARSABLE_VALUE"};
      case form::reference: return mistake{name, "Nothing/1", "UNPARSABLE_VALUE"};
      case form::prefix:
      case form::canonical_reference: return mistake{name, "not-absolute", "UNPARSABLE_VALUE"};
      case form::code: return mistake{name, "a|b", "UNPARSABLE_VALUE"};
      case form::token: return mistake{name, "|", "UNPARSABLE_VALUE"};
      default: return mistake{name + ":not", "a", "UNSUPPORTED_PARAMETER"};
    }
  }

  search_scan::scanner::identifiers identifiers_of(const std::string& literal) const {
    search_scan::scanner::identifiers out;
    const auto slash = literal.find('/');
    if (slash == std::string::npos || !base::uuid::is_valid(literal.substr(slash + 1))) return out;
    const auto stored = *store_->view()->current(literal.substr(0, slash), *base::uuid::parse(literal.substr(slash + 1)));
    if (!stored || stored->deleted) return out;
    const auto target = fhir::parsed(*stored->bytes);
    for (const auto& i : target["identifier"]) {
      if (!i["value"].is_string()) continue;
      const auto* system = i.find("system");
      out.emplace_back(i["value"].str(), system && system->is_string() ? std::optional(system->str()) : std::nullopt);
    }
    return out;
  }

  struct row {
    fhir::stored_resource stored;
    json resource;
  };
  std::vector<row> matching(std::string_view type, const std::vector<asked>& conditions, const fhir::identity& who) const {
    const auto view = store_->view();
    std::vector<row> out;
    const auto ids = *view->all_ids(type, 100'000);
    for (const auto& id : ids) {
      row r{**view->current(type, id), {}};
      r.resource = fhir::parsed(*r.stored.bytes);
      r.stored.access_class = fhir::access_class_of(r.resource, *site_.allow_list, site_.config.base_url);
      if (!fhir::may_find(r.stored, who, *site_.allow_list, *view)) continue;
      if (std::ranges::all_of(conditions, [&](const asked& c) {
            return scan_.fits(r.resource, *c.p, c.modifier, c.value, [&](const std::string& l) { return identifiers_of(l); });
          }))
        out.push_back(std::move(r));
    }
    return out;
  }

  // _sort of any parameters; the rest of the order is by last update.
  struct order {
    const parameter* p;  // null: _id or _lastUpdated
    std::string name;
    bool descending;
  };
  void sort(std::vector<row>& rows, const std::vector<order>& by) const {
    const auto key = [&](const row& r, const order& o) -> std::vector<std::string> {
      if (o.p) return scan_.sort_key(r.resource, *o.p, o.descending);
      if (o.name == "_id") return {r.stored.id.to_string()};
      return {fmt::format("{:020}", r.stored.last_updated.us)};
    };
    std::ranges::sort(rows, [&](const row& a, const row& b) {
      for (const auto& o : by) {
        const auto x = key(a, o), y = key(b, o);
        if (x != y) return o.descending ? y < x : x < y;
      }
      return a.stored.last_updated < b.stored.last_updated;
    });
  }

  void search() {
    const auto type = fhir::names::served_types[below(fhir::names::served_types.size())];
    const auto& who = below(3) == 0 ? site_.remote_b : below(4) == 0 ? site_.practitioner : site_.local;
    query_list query;
    std::vector<asked> conditions;
    for (std::size_t n = below(3); n > 0; --n) {
      conditions.push_back(condition(type));
      const auto& c = conditions.back();
      query.emplace_back(std::string(c.p->name) + (c.modifier.empty() ? "" : ":" + c.modifier), c.value);
    }
    std::vector<order> by;
    if (below(2)) {
      std::string value;
      for (std::size_t n = 1 + below(2); n > 0; --n) {
        const auto all = scan_.of(type);
        order o{nullptr, below(2) ? "_id" : "_lastUpdated", below(2) == 0};
        if (below(3)) o.p = of(all), o.name = o.p->name;
        value += (value.empty() ? "" : ",") + std::string(o.descending ? "-" : "") + o.name;
        by.push_back(std::move(o));
      }
      query.emplace_back("_sort", value);
    }
    std::size_t count = 1'000, page = 1;
    if (below(3) == 0) {
      count = 1 + below(7);
      page = 1 + below(3);
      query.emplace_back("_page", std::to_string(page));
    }
    query.emplace_back("_count", std::to_string(count));
    const auto fault = below(6) == 0 ? wrong(type) : std::nullopt;
    const bool strict = below(2);
    // A parameter that may stand once stands once.
    const bool fits = fault && std::ranges::none_of(query, [&](const auto& q) { return q.first == fault->name && q.first == "_sort"; });
    if (fits) query.insert(query.begin() + static_cast<std::ptrdiff_t>(below(query.size())), {fault->name, fault->value});

    std::string shown = fmt::format("{} {}?", who.local ? "local" : "remote", type);
    for (const auto& [name, value] : query) shown += name + "=" + value + "&";
    INFO(shown);
    const storage::ordered_store_view ordered(store_->view(), order_of(type));
    const auto plain = store_->view();
    const auto* view = below(3) == 0 ? static_cast<const fhir::resource_view*>(plain.get()) : &ordered;
    fhir::interaction_request request{.path = std::string(type), .query = query, .accept = "application/fhir+json"};
    request.prefer = strict ? "handling=strict" : "handling=lenient";
    const fhir::interaction_context context{
        *view, who, site_.config, {1'790'000'000'000'000}, dice_, *site_.allow_list, *site_.processes, *site_.conformance};
    auto done = fhir::prepare(request, context);
    REQUIRE(done.if_reply());
    const auto& reply = *done.if_reply();
    const auto* bytes = std::get_if<std::shared_ptr<const std::string>>(&reply.body);
    const auto body = bytes ? fhir::parsed(**bytes) : std::get<json>(reply.body);
    INFO(body.dump().substr(0, 400));
    if (fits && strict) {
      ++faulty;
      REQUIRE(reply.status == 400);
      CHECK(body["issue"][std::size_t{0}]["diagnostics"].str().find("error: " + fault->error) != std::string::npos);
      return;
    }
    REQUIRE(reply.status == 200);
    auto rows = matching(type, conditions, who);
    sort(rows, by);
    CHECK(body["total"].if_number()->text == std::to_string(rows.size()));
    std::vector<std::string> expected, found;
    for (std::size_t i = (page - 1) * count; i < rows.size() && i < page * count; ++i) expected.push_back(rows[i].stored.id.to_string());
    std::size_t outcomes = 0;
    for (const auto& e : body["entry"]) {
      if (e["search"]["mode"].str() == "match") found.push_back(e["resource"]["id"].str());
      if (e["search"]["mode"].str() != "outcome") continue;
      ++outcomes;
      CHECK(e["resource"]["issue"][std::size_t{0}]["diagnostics"].str().find("error: " + fault->error) != std::string::npos);
    }
    CHECK(outcomes == (fits ? 1u : 0u));
    faulty += outcomes;
    CHECK(found == expected);
    hits += found.size();
  }

  test_site site_;
  base::seeded_entropy dice_;
  fhir::test::random_resource random_;
  std::unique_ptr<storage::store> store_;
  search_scan::scanner scan_;
  storage::test::orders order_of{*store_};
};

}  // namespace

TEST_CASE("search campaign: the store answers every search as a plain scan with FHIRPath does", "[search][campaign]") {
  const auto seed = number_from("DSF_SEED", 1);
  const auto requests = number_from("DSF_REQUESTS", 1'000);
  campaign run(seed);
  for (std::uint64_t i = 0; i < requests; ++i) {
    INFO("DSF_SEED=" << seed << ", request " << i);
    run.step();
  }
  std::cout << "search campaign: seed " << seed << ", " << requests << " requests, " << run.faulty << " of them faulty, " << run.writes
            << " writes between, " << run.hits << " hits\n";
  CHECK(run.hits > requests / 2);  // a campaign of empty answers would show nothing
  CHECK(run.faulty > requests / 20);
}
