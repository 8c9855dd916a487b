#include "fhir/semantics/references/references.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "fhir/model/model.hpp"
#include "fhir/semantics/element.hpp"
#include "fhir/semantics/names.hpp"
#include "fhir/semantics/references/table.hpp"
#include "fhir/semantics/rules/rule.hpp"
#include "fhir/semantics/search/run.hpp"

namespace dsf::fhir {
namespace {

bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto blank = list.find(' ');
    if (list.substr(0, blank) == word) return true;
    if (blank == list.npos) break;
    list.remove_prefix(blank + 1);
  }
  return false;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
  });
}

std::vector<base::json*> elements_of(base::json& resource, std::string_view path) {
  std::vector<base::json*> level{&resource};
  while (!path.empty()) {
    const auto dot = path.find('.');
    std::vector<base::json*> next;
    for (auto* e : level)
      if (auto* child = e->find(path.substr(0, dot))) {
        if (auto* list = child->if_array())
          for (auto& item : *list) next.push_back(&item);
        else
          next.push_back(child);
      }
    level = std::move(next);
    path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
  }
  return level;
}

// References inside extensions, at any depth. Bounded by the depth limit of the JSON reader.
void find_in_extensions(base::json& element, const std::string& path, bool inside, std::vector<found_reference>& out) {
  if (auto* list = element.if_array()) {
    for (auto& item : *list) find_in_extensions(item, path, inside, out);
  } else if (auto* members = element.if_object()) {
    for (auto& [name, value] : *members) {
      const bool extension = inside || name == "extension" || name == "modifierExtension";
      if (inside && name == "valueReference")
        out.push_back({&value, path + "." + name, {}, false});
      else if (value.is_array() || value.is_object())
        find_in_extensions(value, path + "." + name, extension, out);
    }
  }
}

struct place {
  const found_reference& reference;
  const base::json& resource;
  std::string_view id;
  const reference_scope& scope;

  // "of reference at <path> in resource of type <T> with id <id>[ at bundle index <i>]"
  std::string text() const {
    return fmt::format("reference at {} in resource of type {} with id {}{}", reference.path, resource["resourceType"].str(), id,
                       scope.bundle_index ? fmt::format(" at bundle index {}", *scope.bundle_index) : "");
  }
};

base::result<reference_fault> resolve_logical(const place& p, base::json& element) {
  const auto type = element["type"].str();
  const auto system = element["identifier"]["system"].str();
  const auto value = element["identifier"]["value"].str();
  if (!p.scope.conformance.checks_logical_references(system)) return reference_fault{};
  if (!p.reference.targets.empty() && !has_word(p.reference.targets, type))
    return reference_fault(fmt::format("Reference target type of {} not supported", p.text()));
  std::vector<base::uuid> ids;
  if (type == "Organization" && system == names::organization_sid) {
    if (const auto* o = p.scope.allow_list.organization(value)) ids.push_back(o->id);
  } else {
    const auto from = index_value::token(value, system);
    ids = TRY(p.scope.view.ids_in(type, "identifier", from, from + '\0', 100));
  }
  if (ids.empty()) return reference_fault(fmt::format("Reference target by identifier '{}|{}' of {} not found", system, value, p.text()));
  if (ids.size() > 1)
    return reference_fault(
        fmt::format("Found {} matches for reference target by identifier '{}|{}' of {}", ids.size(), system, value, p.text()));
  element.set("reference", type + "/" + ids[0].to_string());
  return reference_fault{};
}

base::result<reference_fault> resolve_conditional(const place& p, base::json& element) {
  const auto text = p.reference.text();
  const auto question = text.find('?');
  const auto type = text.substr(0, question);
  const auto parameters = parse_query_string(std::string_view(text).substr(question));
  const auto query = parse_search(type, parameters.value_or(query_list{}), p.scope.config.base_url, p.scope.config.zone_offset_minutes);
  if (!parameters || !query.errors.empty() || query.conditions.empty()) return reference_fault(fmt::format("Unknown {}", p.text()));
  const auto found = TRY(find_matches(query, {p.scope.view, p.scope.allow_list, p.scope.config.base_url, p.scope.config.zone_offset_minutes,
                                              p.scope.config.max_candidates, nullptr}));
  if (found.empty()) return reference_fault(fmt::format("Reference target by condition '{}' of {} not found", text, p.text()));
  if (found.size() > 1)
    return reference_fault(fmt::format("Found {} matches for reference target by condition '{}' of {}", found.size(), text, p.text()));
  auto literal = type + "/" + found[0].id.to_string();
  if (p.reference.is_url)
    element = base::json(p.scope.config.base_url + "/" + literal);
  else
    element.set("reference", std::move(literal));
  return reference_fault{};
}

base::result<reference_fault> check_internal(const place& p, const literal_reference& literal) {
  if (!names::is_served(literal.type))
    return reference_fault(fmt::format("Reference target type of {} not supported by this implementation", p.text()));
  if (!p.reference.targets.empty() && !has_word(p.reference.targets, literal.type))
    return reference_fault(fmt::format("Reference target type of {} not supported", p.text()));
  const auto missing = [&] { return reference_fault(fmt::format("Reference target {} of {} not found", p.reference.text(), p.text())); };
  const auto id = base::uuid::parse(literal.id);
  if (!id) return missing();
  // What every Task refers to is known without a look into the store.
  if (literal.type == "Organization" && literal.version.empty() && p.scope.allow_list.organization(*id)) return reference_fault{};
  const auto current = TRY(p.scope.view.current(literal.type, *id));
  if (!current || current->deleted) return missing();
  if (literal.version.empty()) return reference_fault{};
  std::uint64_t version = 0;
  const auto [end, ec] = std::from_chars(literal.version.data(), literal.version.data() + literal.version.size(), version);
  if (ec != std::errc{} || end != literal.version.data() + literal.version.size()) return missing();
  const auto old = TRY(p.scope.view.version(literal.type, *id, version));
  return old && !old->deleted ? reference_fault{} : missing();
}

// dsf-fhir-server 4.2: `url|version` must give exactly one hit.
base::result<reference_fault> check_canonical(const base::json& resource, std::string_view member, std::string_view target,
                                              std::string_view id, const reference_scope& scope) {
  const auto& canonical = resource[member].str();
  if (canonical.empty()) return reference_fault{};
  const auto [url, version] = split_canonical(canonical);
  std::size_t found = 0;
  if (target == "ActivityDefinition") {
    // Each Task asks for one of a few: counted beforehand.
    found = scope.processes.count(url, version);
  } else {
    const auto from = index_value::uri(url, version);
    found = TRY(scope.view.ids_in(target, "url", from, version.empty() ? prefix_end(from) : from + '\0', 100)).size();
  }
  if (found == 1) return reference_fault{};
  const found_reference r{nullptr, resource["resourceType"].str() + "." + std::string(member), {}, false};
  const place p{r, resource, id, scope};
  if (found == 0) return reference_fault(fmt::format("Reference target {} of {} not found", canonical, p.text()));
  return reference_fault(fmt::format("Found {} matches for reference target {} of {}", found, canonical, p.text()));
}

}  // namespace

std::vector<found_reference> find_references(base::json& resource) {
  std::vector<found_reference> out;
  const auto type = resource["resourceType"].str();
  for (const auto& checked : checked_elements(type))
    for (auto* element : elements_of(resource, checked.path))
      if (checked.is_url ? element->is_string() : element->is_object()) {
        auto path = type + "." + std::string(checked.path);
        if (checked.is_url) path.resize(path.size() - 4);
        out.push_back({element, std::move(path), checked.targets, checked.is_url});
      }
  find_in_extensions(resource, type, false, out);
  return out;
}

std::optional<literal_reference> parse_literal(std::string_view reference, std::string_view base_url) {
  literal_reference out;
  if (const auto history = reference.find("/_history/"); history != reference.npos) {
    out.version = reference.substr(history + 10);
    if (!is_id(out.version)) return {};
    reference = reference.substr(0, history);
  }
  const auto last = reference.rfind('/');
  if (last == reference.npos) return {};
  out.id = reference.substr(last + 1);
  reference = reference.substr(0, last);
  const auto before = reference.rfind('/');
  out.type = reference.substr(before == reference.npos ? 0 : before + 1);
  if (before != reference.npos) {
    out.base = reference.substr(0, before);
    if (!out.base.starts_with("http://") && !out.base.starts_with("https://")) return {};
    if (out.base == base_url) out.base.clear();
  }
  if (!is_id(out.id) || !is_resource(out.type)) return {};
  return out;
}

reference_kind classify(const found_reference& r, std::string_view base_url) {
  const auto& text = r.text();
  if (text.empty()) {
    const auto& identifier = (*r.element)["identifier"];
    if (!r.is_url && !(*r.element)["type"].str().empty() && !identifier["system"].str().empty() && !identifier["value"].str().empty())
      return reference_kind::logical;
    return reference_kind::unknown;
  }
  if (text.starts_with("urn:uuid:") && text.size() > 9) return reference_kind::temporary;
  if (const auto literal = parse_literal(text, base_url))
    return literal->base.empty() ? reference_kind::literal_internal : reference_kind::literal_external;
  if (const auto question = text.find('?'); question != text.npos && is_resource(text.substr(0, question)))
    return reference_kind::conditional;
  return reference_kind::unknown;
}

void make_urls_absolute(base::json& resource, std::string_view base_url) {
  for (const auto& r : find_references(resource))
    if (r.is_url && !r.text().starts_with("http"))
      if (const auto literal = parse_literal(r.text(), base_url)) *r.element = base::json(std::string(base_url) + "/" + r.text());
}

void replace_temporary(base::json& resource, const temporary_ids& ids, std::string_view base_url) {
  for (const auto& r : find_references(resource)) {
    const auto found = ids.find(r.text());
    if (found == ids.end()) continue;
    if (r.is_url)
      *r.element = base::json(std::string(base_url) + "/" + found->second);
    else
      r.element->set("reference", found->second);
  }
}

base::result<reference_fault> resolve_references(base::json& resource, std::string_view id, const reference_scope& scope) {
  for (const auto& r : find_references(resource)) {
    const place p{r, resource, id, scope};
    const auto kind = classify(r, scope.config.base_url);
    const bool refused = kind == reference_kind::unknown || kind == reference_kind::temporary ||
                         (kind == reference_kind::conditional && !scope.bundle_index);
    if (refused) {
      // Urls of attachments and artifacts may be anything.
      if (r.is_url) continue;
      return reference_fault(fmt::format("Unknown {}", p.text()));
    }
    if (kind == reference_kind::logical)
      if (auto fault = TRY(resolve_logical(p, *r.element))) return fault;
    if (kind == reference_kind::conditional)
      if (auto fault = TRY(resolve_conditional(p, *r.element))) return fault;
  }
  return reference_fault{};
}

base::result<reference_fault> check_references(base::json& resource, std::string_view id, const reference_scope& scope,
                                               std::vector<external_reference>& external) {
  const bool completed = resource["resourceType"].str() == "Task" && resource["status"].str() == "completed";
  for (const auto& r : find_references(resource)) {
    const auto literal = parse_literal(r.text(), scope.config.base_url);
    if (!literal) continue;
    const place p{r, resource, id, scope};
    if (literal->base.empty()) {
      if (auto fault = TRY(check_internal(p, *literal))) return fault;
      continue;
    }
    if (completed && r.path.starts_with("Task.input")) continue;
    const auto* endpoint = scope.allow_list.endpoint_at(literal->base);
    if (!endpoint || !endpoint->active) continue;
    external.push_back(
        {literal->base, literal->type, literal->id, literal->version, r.path, r.text(), resource["resourceType"].str(), std::string(id)});
  }
  const auto& type = resource["resourceType"].str();
  if (type == "Task") return check_canonical(resource, "instantiatesCanonical", "ActivityDefinition", id, scope);
  if (type == "QuestionnaireResponse") return check_canonical(resource, "questionnaire", "Questionnaire", id, scope);
  return reference_fault{};
}

void clean_references(base::json& resource) {
  for (const auto& r : find_references(resource))
    if (!r.is_url && r.element->find("identifier")) r.element->erase("reference");
}

std::string external_reference::url() const { return base + "/" + type + "/" + id + (version.empty() ? "" : "/_history/" + version); }

}  // namespace dsf::fhir
