#include "privacy/generator.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <iostream>
#include <set>

#include "privacy/cohort.hpp"
#include "privacy/demo_data.hpp"
#include "privacy/search_parameters.hpp"

using namespace dsf;
using namespace dsf::privacy;

namespace {

template <class T>
T must(base::result<T> r) {
  if (!r) FAIL(r.error().to_string());
  return std::move(*r);
}

struct generated {
  clinical_index index;
  generator_ledger ledger;
  std::string text;
};

generated make(const generator_settings& s, bool keep_text = false) {
  generated out;
  out.ledger = must(generate(s, [&](const base::json& r) -> base::result<void> {
    if (keep_text) out.text += r.dump() + "\n";
    return out.index.add(r);
  }));
  REQUIRE(out.index.seal());
  return out;
}

}  // namespace

// Finds an evaluator, a mapping or a generator that disagrees with the ledger, over several sites, seeds and days.
TEST_CASE("generator: the evaluator counts what the ledger says") {
  const auto map = must(mapping::parse(demo_mapping()));
  const auto tree = must(ontology_tree::parse(demo_tree()));
  for (const auto* site : {"dic-a", "dic-b", "dic-c"}) {
    for (const std::uint64_t seed : {1u, 2u, 4711u}) {
      generator_settings s{.site = site, .seed = seed, .patients = 2'000, .today = *parse_day(seed == 2 ? "2024-02-29" : "2026-01-15")};
      const auto g = make(s);
      CHECK(g.index.patients() == 2'000);
      CHECK(g.index.resources() == g.ledger.resources);
      CHECK(demo_queries().size() == g.ledger.counts.size());
      for (const auto& q : demo_queries()) {
        INFO(site << " seed " << seed << " " << q.name);
        REQUIRE(g.ledger.counts.contains(q.name));
        const auto query = must(parse_ccdl(q.ccdl));
        CHECK(must(count_cohort(g.index, query, map, tree, s.today)).count == g.ledger.counts.find(q.name)->second);
      }
      if (seed == 1)
        std::cout << "demo count of " << site << " with seed 1: " << g.ledger.counts.at("demo") << " of 2000, " << g.ledger.resources
                  << " resources\n";
      CHECK(g.ledger.counts.at("demo") > 200);
    }
  }
}

// Finds resources that a FHIR server would refuse for their references, ids or dates, and shared ids between sites.
TEST_CASE("generator: the same seed gives the same bytes, sites share nothing") {
  const auto a = make({.site = "dic-a", .seed = 7, .patients = 50}, true);
  const auto again = make({.site = "dic-a", .seed = 7, .patients = 50}, true);
  const auto b = make({.site = "dic-b", .seed = 7, .patients = 50}, true);
  const auto other = make({.site = "dic-a", .seed = 8, .patients = 50}, true);
  CHECK(a.text == again.text);
  CHECK(a.text != b.text);
  CHECK(a.text != other.text);
  std::set<std::string> ids;
  for (const auto* text : {&a.text, &b.text}) {
    std::size_t at = 0;
    while (at < text->size()) {
      const auto end = text->find('\n', at);
      const auto r = must(base::json::parse(std::string_view(*text).substr(at, end - at)));
      const auto ok = check_clinical(r);
      if (!ok) FAIL(ok.error().to_string());
      CHECK(ids.insert(r["resourceType"].str() + "/" + r["id"].str()).second);
      at = end + 1;
    }
  }
  CHECK(!generate({.site = "Uniklinik Köln"}, [](const base::json&) -> base::result<void> { return {}; }));
  const auto stopped =
      generate({.site = "x"}, [](const base::json&) -> base::result<void> { return base::fail(base::errc::io, "disk full"); });
  REQUIRE(!stopped);
  CHECK(stopped.error().text() == "disk full");
}

// Finds a CQL text that left out a descendant the tree has.
TEST_CASE("generator: the CQL names every code of the demo query's tree") {
  const auto tree = must(ontology_tree::parse(demo_tree()));
  const auto query = must(parse_ccdl(demo_ccdl()));
  std::size_t codes = 0;
  for (const auto* list : {&query.inclusion, &query.exclusion})
    for (const auto& group : *list)
      for (const auto& c : group)
        for (const auto& t : c.term_codes)
          for (const auto& e : tree.expand(c.context, t)) {
            INFO(e.code);
            CHECK(demo_cql().find("Code '" + e.code + "'") != std::string_view::npos);
            ++codes;
          }
  CHECK(codes == 21);
  CHECK(demo_cql().starts_with("library "));
}
