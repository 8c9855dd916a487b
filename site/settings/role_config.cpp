#include "site/settings/role_config.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>

#include "site/settings/role_config_impl.hpp"

namespace dsf::site {
namespace {

// dsf-fhir-server 1.2
struct named_operation {
  std::string_view name;
  fhir::operation op;
};
constexpr std::array<named_operation, 8> operations{{{"CREATE", fhir::operation::create},
                                                     {"READ", fhir::operation::read},
                                                     {"UPDATE", fhir::operation::update},
                                                     {"DELETE", fhir::operation::remove},
                                                     {"SEARCH", fhir::operation::search},
                                                     {"HISTORY", fhir::operation::history},
                                                     {"PERMANENT_DELETE", fhir::operation::permanent_delete},
                                                     {"WEBSOCKET", fhir::operation::websocket}}};
// dsf-fhir-server 1.1; Subscription can't be granted.
constexpr std::array<std::string_view, 25> types{"ActivityDefinition",
                                                 "Binary",
                                                 "Bundle",
                                                 "CodeSystem",
                                                 "DocumentReference",
                                                 "Endpoint",
                                                 "Group",
                                                 "HealthcareService",
                                                 "Library",
                                                 "Location",
                                                 "Measure",
                                                 "MeasureReport",
                                                 "NamingSystem",
                                                 "Organization",
                                                 "OrganizationAffiliation",
                                                 "Patient",
                                                 "Practitioner",
                                                 "PractitionerRole",
                                                 "Provenance",
                                                 "Questionnaire",
                                                 "QuestionnaireResponse",
                                                 "ResearchStudy",
                                                 "StructureDefinition",
                                                 "Task",
                                                 "ValueSet"};

constexpr std::size_t max_rules = 10'000;

class reader {
public:
  reader(const std::string& place, int offset) : place_(place), offset_(offset) {}

  result<std::vector<fhir::practitioner_rule>> rules(const YAML::Node& node) const {
    std::vector<fhir::practitioner_rule> out;
    if (!node || node.IsNull()) return out;
    if (!node.IsSequence()) return wrong(node, "the role configuration must be a list of rules (- name: {...})");
    if (node.size() > max_rules) return wrong(node, fmt::format("more than {} rules", max_rules));
    for (const auto& item : node) {
      if (!item.IsMap() || item.size() != 1) return wrong(item, "a rule must be one name with its properties below it");
      for (const auto& entry : item) out.push_back(TRY(rule(entry.first, entry.second)));
    }
    return out;
  }

private:
  failure wrong(const YAML::Node& at, std::string text) const {
    return fail(settings_errc::wrong, text + about_, fmt::format("{}:{}", place_, at.Mark().line + 1 + offset_));
  }

  result<fhir::practitioner_rule> rule(const YAML::Node& name, const YAML::Node& properties) const {
    static const re2::RE2 thumbprint("[a-f0-9]{128}");
    static const re2::RE2 email(R"([\w!#$%&'*+/=?`{|}~^-]+(?:\.[\w!#$%&'*+/=?`{|}~^-]+)*@(?:[a-zA-Z0-9-]+\.)+[a-zA-Z]{2,6})");
    fhir::practitioner_rule out;
    out.name = name.Scalar();
    if (!properties.IsMap()) return wrong(name, fmt::format("rule '{}' has no properties", out.name));
    for (const auto& entry : properties) {
      const auto& property = entry.first.Scalar();
      about_ = fmt::format(" (rule '{}', {})", out.name, property);
      if (property == "dsf-role") {
        TRY(roles(entry.second, out));
      } else if (property == "thumbprint") {
        for (auto& t : TRY(texts(entry.second))) {
          if (!re2::RE2::FullMatch(t, thumbprint))
            return wrong(entry.second,
                         fmt::format("thumbprint '{}' is not 128 lower-case hexadecimal digits (SHA-512 of the certificate)", t));
          out.thumbprints.push_back(std::move(t));
        }
      } else if (property == "email") {
        for (auto& e : TRY(texts(entry.second))) {
          if (!re2::RE2::FullMatch(e, email)) return wrong(entry.second, fmt::format("'{}' is not an e-mail address", e));
          out.emails.push_back(std::move(e));
        }
      } else if (property == "practitioner-role") {
        for (auto& t : TRY(texts(entry.second))) {
          const auto bar = t.find('|');
          if (bar == std::string::npos || bar == 0 || bar + 1 == t.size())
            return wrong(entry.second, fmt::format("practitioner-role '{}' must be system|code", t));
          out.practitioner_roles.push_back({t.substr(0, bar), t.substr(bar + 1)});
        }
      } else if (property == "token-role" || property == "token-group") {
        auto& names = property == "token-role" ? out.token_roles : out.token_groups;
        for (auto& t : TRY(texts(entry.second))) {
          if (t.empty()) return wrong(entry.second, "it is blank");
          names.push_back(std::move(t));
        }
      } else {
        return wrong(entry.first,
                     "the property is unknown; known are thumbprint, email, token-role, token-group, dsf-role, practitioner-role");
      }
    }
    about_.clear();
    return out;
  }

  // A text or a list of texts.
  result<std::vector<std::string>> texts(const YAML::Node& node) const {
    std::vector<std::string> out;
    auto add = [&](const YAML::Node& n) -> result<> {
      if (!n.IsScalar() || n.Scalar().empty()) return wrong(n, "it must be a text, or a list of texts");
      auto s = n.Scalar();
      s.erase(0, s.find_first_not_of(" \t\n"));
      s.erase(s.find_last_not_of(" \t\n") + 1);
      out.push_back(std::move(s));
      return {};
    };
    if (node.IsSequence()) {
      for (const auto& item : node) TRY(add(item));
    } else {
      TRY(add(node));
    }
    return out;
  }

  result<fhir::operation> operation(const YAML::Node& at) const {
    if (at.IsScalar())
      for (const auto& o : operations)
        if (o.name == at.Scalar()) return o.op;
    return wrong(at, fmt::format("dsf-role '{}' is none of CREATE, READ, UPDATE, DELETE, SEARCH, HISTORY, PERMANENT_DELETE, WEBSOCKET",
                                 at.IsScalar() ? at.Scalar() : "?"));
  }

  result<> roles(const YAML::Node& node, fhir::practitioner_rule& out) const {
    if (!node.IsSequence()) {
      out.roles.push_back({TRY(operation(node)), {}});
      return {};
    }
    for (const auto& item : node) {
      if (item.IsScalar()) {
        out.roles.push_back({TRY(operation(item)), {}});
        continue;
      }
      if (!item.IsMap() || item.size() != 1) return wrong(item, "a dsf-role must be a name, or one name with a list of resource types");
      for (const auto& entry : item) {
        fhir::dsf_role role{TRY(operation(entry.first)), {}};
        if (!entry.second.IsSequence())
          return wrong(entry.first, fmt::format("dsf-role {} must have a list of resource types", entry.first.Scalar()));
        for (const auto& type : entry.second) {
          if (!type.IsScalar() || std::find(types.begin(), types.end(), type.Scalar()) == types.end())
            return wrong(type, fmt::format("'{}' is not a resource type that can be granted", type.IsScalar() ? type.Scalar() : "?"));
          role.types.push_back(type.Scalar());
        }
        out.roles.push_back(std::move(role));
      }
    }
    return {};
  }

  const std::string& place_;
  int offset_;
  mutable std::string about_;  // what is being read: " (rule 'admin', email)"
};

}  // namespace

result<std::vector<fhir::practitioner_rule>> read_role_config(const YAML::Node& node, const std::string& place, int line_offset) {
  try {
    // DSF's own form is a text block that holds YAML; blank text or a single | stands for no rules.
    if (node && node.IsScalar()) {
      const bool block = node.Scalar().find('\n') != std::string::npos;
      return parse_role_config(node.Scalar(), place, node.Mark().line + 1 + line_offset + (block ? 1 : 0));
    }
    return reader(place, line_offset).rules(node);
  } catch (const YAML::Exception& e) {
    return fail(settings_errc::not_yaml, fmt::format("not YAML: {}", e.msg), fmt::format("{}:{}", place, e.mark.line + 1 + line_offset));
  }
}

result<std::vector<fhir::practitioner_rule>> parse_role_config(std::string_view yaml, const std::string& place, int first_line) {
  try {
    const auto node = YAML::Load(std::string(yaml));
    if (node.IsScalar() && node.Scalar().empty()) return std::vector<fhir::practitioner_rule>();  // a single | is an empty text block
    if (node.IsScalar())
      return fail(settings_errc::wrong, "the role configuration must be a list of rules (- name: {...})",
                  fmt::format("{}:{}", place, first_line));
    return read_role_config(node, place, first_line - 1);
  } catch (const YAML::Exception& e) {
    return fail(settings_errc::not_yaml, fmt::format("not YAML: {}", e.msg), fmt::format("{}:{}", place, e.mark.line + first_line));
  }
}

}  // namespace dsf::site
