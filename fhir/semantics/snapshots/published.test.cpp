// Would find: a snapshot that is not the one its authors published. R4's own profiles and extensions, each made from its differential.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "fhir/semantics/profiles/canonicals.hpp"
#include "fhir/semantics/site.test.hpp"
#include "fhir/semantics/snapshots/snapshot.hpp"

using namespace dsf::fhir;
using dsf::base::json;

namespace {

const std::filesystem::path folder = DSF_SOURCE_DIR "/build/definitions";

std::string types_of(const json& e) {
  std::set<std::string> out;
  for (const auto& t : e["type"]) {
    std::string one = t["code"].str();
    std::set<std::string> of;
    for (const auto& p : t["profile"]) of.insert(p.str());
    for (const auto& p : t["targetProfile"]) of.insert(">" + p.str());
    for (const auto& p : of) one += " " + p;
    out.insert(one);
  }
  std::string text;
  for (const auto& t : out) text += t + "|";
  return text;
}

std::string typed(const json& e, std::string_view prefix) {
  for (const auto& [name, value] : *e.if_object())
    if (name.starts_with(prefix)) return name + "=" + value.dump();
  return {};
}

std::string keys_of(const json& e) {
  std::set<std::string> out;
  for (const auto& c : e["constraint"]) out.insert(c["key"].str());
  std::string text;
  for (const auto& k : out) text += k + " ";
  return text;
}

struct difference {
  std::string_view definition, what, element;  // a star: of any element
  std::string_view why;
};
constexpr std::string_view author = "needs what R4 does not allow; its authors' tool did not look";
// Where ours is another one, and why.
constexpr difference explained[] = {
    {"familymemberhistory-genetic", "fault", "*", author},  // slices of what is not sliced
    {"catalog", "fault", "*", author},
    {"codesystem-history", "fault", "*", author},           // three slices of an extension without extensions
    {"picoelement", "fault", "*", "the package has a later release's EvidenceVariable under it"},
    {"ehrsrle-auditevent", "types", "*", "the package has targets of its own in AuditEvent"},
    {"clinicaldocument", "max", "Composition.extension:versionNumber", "an extension stands no more often than its definition says"},
    {"provenance-relevant-history", "reference", "Provenance.entity.agent", "a slice is not what R4 refers to"},
    {"provenance-relevant-history", "binding", "Provenance.agent:Author.type", "a slice begins as what the differential made of its whole"},
    {"bp", "*", "Observation.component:SystolicBP.value[x]", "inside of slices, too, a variant by its own name is a slice"},
    {"bp", "*", "Observation.component:DiastolicBP.value[x]", "as before"},
    {"elementdefinition-de", "missing", "*", "an extension without constraints on its elements is not unfolded"},
    {"*", "must", "*", "said nowhere and said to be false is the same"},
};

bool is_explained(std::string_view definition, std::string_view what, std::string_view element) {
  return std::ranges::any_of(explained, [&](const difference& d) {
    return (d.definition == "*" || d.definition == definition) && (d.what == "*" || d.what == what) &&
           (d.element == "*" || element.starts_with(d.element));
  });
}

}  // namespace

TEST_CASE("snapshots: as R4 published them, or with a reason", "[snapshot][published]") {
  constexpr std::string_view core = "http://hl7.org/fhir/StructureDefinition/";
  canonical_map bare;
  std::vector<json> published;
  for (const auto* name : {"profiles-others.json", "extension-definitions.json"}) {
    std::ifstream in(folder / name);
    if (!in) {
      std::cout << "skipped: published snapshots are not in " << folder.string()
                << "; scripts/fhir_definitions fetches them into an empty folder\n";
      return;
    }
    const auto bundle = parsed(std::string{std::istreambuf_iterator<char>(in), {}});
    for (const auto& entry : bundle["entry"]) {
      auto r = entry["resource"];
      if (r["resourceType"].str() != "StructureDefinition" || r["derivation"].str() != "constraint") continue;
      published.push_back(r);
      r.erase("snapshot");
      bare.add(std::move(r));
    }
  }
  const definition_lookup lookup = [&](std::string_view canonical) -> dsf::base::result<const json*> { return bare.find(canonical); };
  std::size_t elements = 0, known = 0;
  for (const auto& p : published) {
    const auto& url = p["url"].str();
    const auto name = std::string_view(url).substr(std::min(url.size(), core.size()));
    const auto differs = [&](std::string_view what, std::string_view element, const std::string& text) {
      if (is_explained(name, what, element))
        ++known;
      else
        FAIL_CHECK(name << " " << what << " " << element << ": " << text);
    };
    const auto made = make_snapshot(*bare.find(url + "|" + p["version"].str()), lookup);
    if (!made) {
      for (const auto& i : made.error()) differs("fault", "", i.expression + ": " + i.text);
      continue;
    }
    std::map<std::string, const json*> ours;
    for (const auto& e : *made) ours[e["id"].str()] = &e;
    for (const auto& e : p["snapshot"]["element"]) {
      const auto& id = e["id"].str();
      ++elements;
      const auto found = ours.extract(id);
      if (found.empty()) {
        differs("missing", id, "");
        continue;
      }
      const auto& o = *found.mapped();
      const auto compare = [&](std::string_view what, const std::string& a, const std::string& b) {
        if (a != b) differs(what, id, "ours " + a + ", theirs " + b);
      };
      for (const auto* member : {"path", "sliceName", "max"}) compare(member, o[member].str(), e[member].str());
      compare("min", o["min"].dump(), e["min"].dump());
      compare("types", types_of(o), types_of(e));
      compare("fixed", typed(o, "fixed"), typed(e, "fixed"));
      compare("pattern", typed(o, "pattern"), typed(e, "pattern"));
      for (const auto* member : {"strength", "valueSet"}) compare("binding", o["binding"][member].str(), e["binding"][member].str());
      compare("constraints", keys_of(o), keys_of(e));
      compare("slicing", o["slicing"]["rules"].str(), e["slicing"]["rules"].str());
      compare("reference", o["contentReference"].str(), e["contentReference"].str());
      compare("must", o["mustSupport"].dump(), e["mustSupport"].dump());
    }
    for (const auto& [id, e] : ours) differs("more", id, "");
  }
  CHECK(published.size() > 400);
  CHECK(elements > 4'000);
  CHECK(known < 200);
}
