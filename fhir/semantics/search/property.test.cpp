// Would find: a query form of any search parameter of any type that finds more or less than a plain walk over the stored JSON does, or in another order
// (dsf-fhir-server 1.3 to 1.5). The walk shares the table of parameters with the search, and nothing else.
#include <chrono>

#include "fhir/semantics/search/query.hpp"
#include "fhir/semantics/site.test.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

struct moment_range {
  const char* text;
  std::int64_t from, to;  // seconds since 2025-01-01T00:00:00Z
};
constexpr std::int64_t day = 86'400;
constexpr moment_range dates[] = {{"2025", 0, 365 * day},
                                  {"2025-02", 31 * day, 59 * day},
                                  {"2025-02-01", 31 * day, 32 * day},
                                  {"2025-02-01T10:00:00Z", 31 * day + 36'000, 31 * day + 36'001},
                                  {"2025-02-01T12:00:00+02:00", 31 * day + 36'000, 31 * day + 36'001},
                                  {"2025-02-01T10:00:01Z", 31 * day + 36'001, 31 * day + 36'002},
                                  {"2025-01-31", 30 * day, 31 * day}};
constexpr const char* date_prefixes[] = {"", "eq", "ne", "gt", "lt", "ge", "le"};
constexpr const char* systems[] = {"http://s.example/one", "http://s.example/two", ""};
constexpr const char* codes[] = {"a", "b", "aa"};
constexpr const char* texts[] = {"Alpha", "alphabet", "BETA", "Ärzte", "ärzteschaft", "ta"};
constexpr const char* urls[] = {"http://x.example/a", "http://x.example/ab", "http://x.example/a/b"};
constexpr const char* versions[] = {"1.0", "1.1", "1"};

struct chooser {
  dsf::base::seeded_entropy random;
  explicit chooser(std::uint64_t seed) : random(seed) {}
  std::size_t below(std::size_t n) { return random.u64() % n; }
  template <class T, std::size_t N>
  const T& of(const T (&list)[N]) {
    return list[below(N)];
  }
  const std::string& of(const std::vector<std::string>& list) { return list[below(list.size())]; }
};

std::vector<std::string> split(std::string_view words, char at) {
  std::vector<std::string> out;
  while (!words.empty()) {
    const auto end = words.find(at);
    out.emplace_back(words.substr(0, end));
    words = end == words.npos ? std::string_view{} : words.substr(end + 1);
  }
  return out;
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] >= 'A' && out[i] <= 'Z') out[i] = static_cast<char>(out[i] + 32);
    if (i > 0 && out[i - 1] == '\xC3' && out[i] == '\x84') out[i] = '\xA4';
  }
  return out;
}

// ---- resources ----

struct world {
  test_site& site;
  chooser& choose;
  std::map<std::string, std::vector<std::string>> targets = {};  // type to ids
  std::map<std::string, std::pair<std::string, std::string>> identifier_of = {};  // Type/id to system and value

  json identifier(bool coding) {
    json out;
    const std::string_view system = choose.of(systems);
    if (!system.empty()) out.set("system", system);
    out.set(coding ? "code" : "value", choose.of(codes));
    return out;
  }
  json element(std::string_view type, const search_parameter& p, std::string_view path) {
    switch (p.kind) {
      case parameter_kind::token: return identifier(path.ends_with("coding"));
      case parameter_kind::code: return json(p.name == "version" ? choose.of(versions) : choose.of(codes));
      case parameter_kind::status: return json(statuses_of(type)[choose.below(3)]);
      case parameter_kind::boolean: return json(choose.below(2) == 0);
      case parameter_kind::string: return json(choose.of(texts));
      case parameter_kind::uri:
      case parameter_kind::canonical:
      case parameter_kind::prefix_uri: return json(choose.of(urls));
      case parameter_kind::date: return json(choose.of(dates).text);
      case parameter_kind::reference: break;
    }
    if (p.name == "depends-on") return json(choose.of(urls));
    json out;
    const auto kinds = split(p.targets, ' ');
    const auto& kind = choose.of(kinds);
    const auto way = choose.below(3);
    if (way == 0) {
      out.set("type", kind);
      out.set("identifier", identifier(false));
    } else {
      out.set("reference", (way == 1 ? "" : site.config.base_url + "/") + kind + "/" + choose.of(targets[kind]));
    }
    return out;
  }
  void add(json& resource, std::string_view type, const search_parameter& p) {
    for (const auto& path : split(p.paths, ' ')) {
      const auto many = choose.below(3);
      if (many == 0) continue;
      json list(json::array{});
      for (std::size_t i = 0; i < many; ++i) list.push_back(element(type, p, path));
      const bool single = p.kind != parameter_kind::token && p.kind != parameter_kind::reference && path != "alias";
      json value = single ? list[std::size_t{0}] : list;
      const auto steps = split(path, '.');
      if (steps.size() == 2) {
        auto* at = resource.find(steps[0]);
        if (!at) at = &resource.set(steps[0], json(json::object{}));
        at->set(steps[1], std::move(value));
      } else {
        resource.set(path, std::move(value));
      }
    }
  }
  // Past all rules, and without unique keys: what stands in the index is the point.
  std::string store(const json& resource) {
    const auto id = dsf::base::uuid::random(choose.random);
    resource_write w;
    w.type = resource["resourceType"].str();
    w.id = id;
    w.index = index_entries(resource, site.allow_list.get(), site.config.base_url);
    w.access_class = access_class_of(resource, *site.allow_list, site.config.base_url);
    w.body = *make_storable(resource, id);
    write_set set;
    set.writes.push_back(std::move(w));
    REQUIRE(site.view.commit(set));
    return id.to_string();
  }
  json resource(std::string_view type) {
    auto out = parsed(fmt::format(R"({{"resourceType":"{}",{}}})", type, test_site::tag(choose.below(2) ? "ALL" : "LOCAL")));
    if (type == "Task")
      out.set("restriction",
              parsed(R"({"recipient":[{"identifier":{"system":"http://dsf.dev/sid/organization-identifier","value":"site-a.example"}}]})"));
    for (const auto& p : parameters_of(type)) add(out, type, p);
    return out;
  }
};

// ---- the walk ----

using pairs = std::vector<std::pair<std::string, std::string>>;  // system ("" none) and code

bool token_fits(const std::pair<std::string, std::string>& have, std::string_view asked) {
  const auto bar = asked.find('|');
  if (bar == asked.npos) return have.second == asked;
  const auto system = asked.substr(0, bar), code = asked.substr(bar + 1);
  return have.first == system && (code.empty() || have.second == code);
}

pairs tokens_of(const std::vector<const json*>& elements) {
  pairs out;
  for (const auto* e : elements) {
    const auto& code = e->find("code") ? (*e)["code"].str() : (*e)["value"].str();
    out.emplace_back((*e)["system"].str(), code);
  }
  return out;
}

// The site's own resources have days that are not in the table.
moment_range moment(std::string_view text) {
  const auto* known = std::ranges::find_if(dates, [&](const auto& d) { return text == d.text; });
  if (known != std::end(dates)) return *known;
  using namespace std::chrono;
  const auto part = [&](std::size_t at, std::size_t n) { return std::stoi(std::string(text.substr(at, n))); };
  const sys_days then = year(part(0, 4)) / month(static_cast<unsigned>(part(5, 2))) / std::chrono::day(static_cast<unsigned>(part(8, 2)));
  const auto days = (then - sys_days(year(2025) / 1 / 1)).count();
  return {"", days * day, (days + 1) * day};
}

bool date_fits(const moment_range& have, std::string_view prefix, const moment_range& asked) {
  if (prefix == "ne") return have.from < asked.from || have.to > asked.to;
  if (prefix == "gt") return have.to > asked.to;
  if (prefix == "lt") return have.from < asked.from;
  if (prefix == "ge") return have.to > asked.to || have.from >= asked.from;
  if (prefix == "le") return have.from < asked.from || have.to <= asked.to;
  return have.from >= asked.from && have.to <= asked.to;
}

struct condition {
  const search_parameter* parameter;
  std::string modifier, value;
};

class walk {
public:
  walk(const world& w, const json& resource) : world_(w), resource_(resource) {}

  bool fits(const condition& c) const {
    const auto elements = elements_at(resource_, c.parameter->paths);
    const auto any = [&](auto&& test) { return std::ranges::any_of(elements, test); };
    const auto text_is = [&](const json* e) { return e->str() == c.value; };
    if (c.modifier == "missing") return (!any([](const json*) { return true; }) && !has_artifact()) == (c.value == "true");
    switch (c.parameter->kind) {
      case parameter_kind::token: {
        const auto have = tokens_of(elements);
        const auto is = [&](const auto& t) { return token_fits(t, c.value); };
        if (c.modifier != "not") return std::ranges::any_of(have, is);
        return c.value.starts_with('|') ? !std::ranges::all_of(have, is) : std::ranges::none_of(have, is);
      }
      case parameter_kind::code:
      case parameter_kind::status: return any(text_is) != (c.modifier == "not");
      case parameter_kind::boolean: return any([&](const json* e) { return *e->if_bool() == (c.value == "true"); });
      case parameter_kind::string:
        return any([&](const json* e) {
          if (c.modifier == "exact") return e->str() == c.value;
          const auto at = lower(e->str()).find(lower(c.value));
          return c.modifier == "contains" ? at != std::string::npos : at == 0;
        });
      case parameter_kind::uri: return any([&](const json* e) { return uri_fits(e->str(), c); });
      case parameter_kind::canonical: return any(text_is);
      case parameter_kind::prefix_uri: return any([&](const json* e) { return e->str().starts_with(c.value); });
      case parameter_kind::date: return any([&](const json* e) { return date_is(e->str(), c.value); });
      case parameter_kind::reference: return any([&](const json* e) { return reference_fits(*e, c); });
    }
    return false;
  }

private:
  // Measure: depends-on looks at related artifacts too; none is made here.
  static bool has_artifact() { return false; }

  bool uri_fits(const std::string& have, const condition& c) const {
    if (c.modifier == "below") return have.starts_with(c.value);
    const auto bar = c.value.find('|');
    if (bar == c.value.npos) return have == c.value;
    return have == c.value.substr(0, bar) && resource_["version"].str() == c.value.substr(bar + 1);
  }
  static bool date_is(const std::string& have, std::string_view asked) {
    std::string_view prefix;
    if (asked[0] >= 'a' && asked[0] <= 'z') prefix = asked.substr(0, 2), asked.remove_prefix(2);
    return date_fits(moment(have), prefix, moment(asked));
  }
  bool reference_fits(const json& e, const condition& c) const {
    if (c.parameter->name == "depends-on") return e.str() == c.value;
    auto literal = e["reference"].str();
    const auto base = world_.site.config.base_url + "/";
    if (literal.starts_with(base)) literal.erase(0, base.size());
    if (c.modifier == "identifier") {
      const auto& logical = e["identifier"];
      if (logical.is_object() && token_fits({logical["system"].str(), logical["value"].str()}, c.value)) return true;
      const auto target = world_.identifier_of.find(literal);
      return target != world_.identifier_of.end() && token_fits(target->second, c.value);
    }
    auto asked = c.value;
    if (asked.starts_with(base)) asked.erase(0, base.size());
    return literal == asked || (asked.find('/') == asked.npos && literal.ends_with("/" + asked));
  }

  const world& world_;
  const json& resource_;
};

condition any_condition(world& w, std::string_view type, const search_parameter& p) {
  auto& choose = w.choose;
  condition c{&p, {}, {}};
  if (choose.below(8) == 0) return {&p, "missing", choose.below(2) ? "true" : "false"};
  switch (p.kind) {
    case parameter_kind::token: {
      const std::string system = choose.of(systems), code = choose.of(codes);
      const auto form = choose.below(4);
      c.value = form == 0 ? code : form == 1 ? system + "|" + code : form == 2 ? "|" + code : std::string(systems[choose.below(2)]) + "|";
      if (p.modifiers && choose.below(3) == 0) c.modifier = "not";
      break;
    }
    case parameter_kind::code: c.value = p.name == "version" ? choose.of(versions) : choose.of(codes); break;
    case parameter_kind::status: c.value = statuses_of(type)[choose.below(4)]; break;
    case parameter_kind::boolean: c.value = choose.below(2) ? "true" : "false"; break;
    case parameter_kind::string: {
      std::string text = choose.of(texts);
      if (choose.below(2)) text = text.substr(0, text[0] == '\xC3' ? 2 : 1 + choose.below(text.size()));
      c.value = choose.below(2) ? text : lower(text);
      const auto way = choose.below(3);
      c.modifier = way == 0 ? "" : way == 1 ? "exact" : "contains";
      break;
    }
    case parameter_kind::uri:
    case parameter_kind::canonical:
      c.value = choose.of(urls);
      if (p.kind == parameter_kind::uri && choose.below(3) == 0)
        c.modifier = "below";
      else if (p.paths == "url" && choose.below(2))
        c.value += "|" + std::string(choose.of(versions));
      break;
    case parameter_kind::prefix_uri: c.value = choose.of(urls); break;
    case parameter_kind::date: {
      const auto& d = choose.of(dates);
      // Years and months only with eq.
      c.value = (std::string_view(d.text).size() < 10 ? date_prefixes[choose.below(2)] : choose.of(date_prefixes)) + std::string(d.text);
      break;
    }
    case parameter_kind::reference: {
      if (p.name == "depends-on") {
        c.value = choose.of(urls);
        break;
      }
      const auto kinds = split(p.targets, ' ');
      const auto& kind = choose.of(kinds);
      const auto& id = choose.of(w.targets[kind]);
      const auto way = choose.below(4);
      if (way == 3) c.modifier = "identifier";
      c.value = way == 0   ? id
                : way == 1 ? kind + "/" + id
                : way == 2 ? w.site.config.base_url + "/" + kind + "/" + id
                           : (choose.below(2) ? std::string(systems[choose.below(2)]) + "|" : std::string()) + choose.of(codes);
      break;
    }
  }
  if ((p.kind == parameter_kind::code || p.kind == parameter_kind::status) && choose.below(3) == 0) c.modifier = "not";
  return c;
}

}  // namespace

TEST_CASE("searches of every parameter find what a plain walk finds", "[search][property]") {
  const auto seed = GENERATE(11u, 12u);
  CAPTURE(seed);
  test_site site;
  chooser choose(seed);
  world w{site, choose};
  // What references lead to. Ids must be known before the resources that are searched are made.
  for (const auto* type : {"Group", "Practitioner", "PractitionerRole", "Patient", "Organization", "Endpoint"})
    for (int i = 0; i < 4; ++i) {
      auto target = parsed(fmt::format(R"({{"resourceType":"{}",{}}})", type, test_site::tag("ALL")));
      const auto identifier = w.identifier(false);
      target.set("identifier", json(json::array{identifier}));
      const auto id = w.store(target);
      w.targets[type].push_back(id);
      w.identifier_of[std::string(type) + "/" + id] = {identifier["system"].str(), identifier["value"].str()};
    }
  std::size_t hits = 0;
  for (const auto type : names::served_types) {
    if (parameters_of(type).empty()) continue;
    for (int i = 0; i < 12; ++i) w.store(w.resource(type));
    const auto ids = *site.view.all_ids(type, 10'000);
    for (int i = 0; i < 60; ++i) {
      const auto& who = choose.below(3) ? site.local : site.remote_b;
      std::vector<condition> conditions;
      query_list query = {{"_count", "1000"}};
      for (std::size_t n = 1 + choose.below(2); n > 0; --n) {
        const auto all = parameters_of(type);
        conditions.push_back(any_condition(w, type, all[choose.below(all.size())]));
        const auto& c = conditions.back();
        query.emplace_back(std::string(c.parameter->name) + (c.modifier.empty() ? "" : ":" + c.modifier), c.value);
      }
      const auto order = choose.below(3);  // none, _id, -_lastUpdated
      if (order > 0) query.emplace_back("_sort", order == 1 ? "_id" : "-_lastUpdated");
      std::vector<stored_resource> wanted;
      for (const auto& id : ids) {
        const auto stored = **site.view.current(type, id);
        const auto resource = parsed(*stored.bytes);
        const walk plain(w, resource);
        if (may_find(stored, who, *site.allow_list, site.view) &&
            std::ranges::all_of(conditions, [&](const auto& c) { return plain.fits(c); }))
          wanted.push_back(stored);
      }
      std::ranges::sort(wanted, [&](const auto& a, const auto& b) {
        if (order == 1) return a.id < b.id;
        return order == 2 ? b.last_updated < a.last_updated : a.last_updated < b.last_updated;
      });
      std::vector<std::string> expected, found;
      for (const auto& s : wanted) expected.push_back(s.id.to_string());
      const auto a = site.send(who, {.path = std::string(type), .query = query, .prefer = "handling=strict"});
      std::string shown = std::string(type) + "?";
      for (const auto& [name, value] : query) shown += name + "=" + value + "&";
      INFO(shown << "\n" << a.body().dump().substr(0, 300));
      REQUIRE(a.status() == 200);
      const auto body = a.body();
      for (const auto& e : body["entry"]) found.push_back(e["resource"]["id"].str());
      CHECK(found == expected);
      hits += found.size();
    }
  }
  CHECK(hits > 1'000);  // a test of empty answers would show nothing
}
