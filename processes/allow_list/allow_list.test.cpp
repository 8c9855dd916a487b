#include "processes/allow_list/network.test.hpp"

namespace dsf::processes::allow_list {

// Would find: ids of the coordinating site in the bundle, references that lead nowhere, a search that Java sites don't have, another order each time.
TEST_CASE("allow-list: the published bundle is a transaction of conditional updates, always the same") {
  auto s = three("x-");
  const auto b = bundle_of(s);
  CHECK(b["type"].str() == "transaction");
  CHECK(b["identifier"]["system"].str() == codes);
  CHECK(b["identifier"]["value"].str() == "allow_list");
  CHECK(b["meta"]["tag"][0]["code"].str() == "ALL");
  REQUIRE(b["entry"].size() == 10);
  std::set<std::string> urls;
  for (const auto& e : b["entry"]) {
    CHECK(e["request"]["method"].str() == "PUT");
    CHECK_FALSE(e["resource"].find("id"));
    CHECK_FALSE(e["resource"]["meta"].find("versionId"));
    urls.insert(e["request"]["url"].str());
  }
  CHECK(urls.contains("Organization?identifier=http://dsf.dev/sid/organization-identifier|dic-a.example"));
  CHECK(urls.contains("Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|endpoint.dic-a.example"));
  CHECK(
      urls.contains("OrganizationAffiliation?primary-organization:identifier=http://dsf.dev/sid/organization-identifier|consortium.example"
                    "&participating-organization:identifier=http://dsf.dev/sid/organization-identifier|dic-a.example"
                    "&endpoint:identifier=http://dsf.dev/sid/endpoint-identifier|endpoint.dic-a.example"));
  CHECK(b.dump().find("x-") == std::string::npos);
  const auto r = read_bundle(b);
  for (const auto& f : r.faults) UNSCOPED_INFO(f);
  CHECK(r.faults.empty());
  CHECK(r.list.entries.size() == 10);
  // Another server's order and ids make no difference.
  auto other = three("y-");
  std::ranges::reverse(other.organizations);
  CHECK(bundle_of(other) == b);
}

// Would find: a new version at each run, so that members think that something is new; an output without the version; one affiliation's fault
// that stops the whole list or is not told.
TEST_CASE("allow-list: the bundle is stored when it differs, and the Task says where") {
  fake_site site("hrp.example");
  auto s = three("x-");
  s.affiliation("dic-b").set("endpoint", json::array{reference("Endpoint/gone")});
  s.answers(site.own);
  const std::string search = "Bundle?identifier=http://dsf.dev/fhir/CodeSystem/allow-list|allow_list";
  json stored = parsed(R"({"resourceType":"Bundle","id":"list","meta":{"versionId":"3"}})");
  site.own.answers[search] = json::object{{"entry", json::array{json::object{{"resource", stored}}}}};
  const auto a = started_by("hrp.example", {});
  auto done = std::get<completed>(update_allow_list(a, site));
  REQUIRE(site.own.transactions.size() == 1);
  const auto& sent = site.own.transactions[0]["entry"][0];
  CHECK(sent["request"]["url"].str() == search);
  CHECK(sent["resource"]["entry"].size() == 9);
  CHECK(parsed(done.tasks.at(0).add_outputs.at(0))["valueReference"]["reference"].str() == coordinator + "/Bundle/list/_history/3");

  auto kept = sent["resource"];
  kept.set("id", "list");
  kept.find("meta")->set("versionId", "4");
  site.own.answers[search] = json::object{{"entry", json::array{json::object{{"resource", kept}}}}};
  done = std::get<completed>(update_allow_list(a, site));
  CHECK(site.own.transactions.size() == 1);
  CHECK(contains(done.tasks.at(0).add_outputs.at(0), "/_history/4"));
}

// Would find: differences in what only the server's ids or versions differ in, changes that are not told, entries sent that change nothing.
TEST_CASE("allow-list: what differs is told, and only that is sent") {
  const auto local = three("here-");
  auto theirs = three("there-");
  SECTION("nothing") {
    download d(local, bundle_of(theirs));
    d.run();
    CHECK(d.why() == "");
    CHECK(d.site.own.transactions.empty());
    CHECK(d.output(summary_code) == "the own allow-list is as the bundle says");
    CHECK(lines_of(parsed(d.output(difference_code))).empty());
  }
  SECTION("a member joins, one changes its certificate, one its role") {
    theirs.add("dic-c", "DIC", 'd');
    theirs.organization("dic-b").set("extension",
                                     json::array{json::object{{"url", thumbprint_extension}, {"valueString", thumbprint('e')}}});
    theirs.affiliation("hrp").set("code", json::array{concept_of("http://dsf.dev/fhir/CodeSystem/organization-role", "COS")});
    const auto bundle = bundle_of(theirs);
    const std::vector<std::string> expected = {
        "+ organization dic-c.example (dic-c)",
        "+ endpoint endpoint.dic-c.example at https://dic-c.example/fhir",
        "+ affiliation of dic-c.example to consortium.example at endpoint.dic-c.example",
        R"(~ affiliation of hrp.example to consortium.example at endpoint.hrp.example: code [{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/organization-role","code":"HRP"}]}] -> [{"coding":[{"system":"http://dsf.dev/fhir/CodeSystem/organization-role","code":"COS"}]}])",
        "+ thumbprint of dic-b.example " + thumbprint('e'),
        "+ thumbprint of dic-c.example " + thumbprint('d'),
        "+ role DIC of dic-c.example in consortium.example",
        "+ role COS of hrp.example in consortium.example",
        "- thumbprint of dic-b.example " + thumbprint('c'),
        "- role HRP of hrp.example in consortium.example",
    };
    const std::string counts =
        "1 organization added, 1 organization changed, 1 endpoint added, 1 affiliation added, 1 affiliation changed, 2 thumbprints added, "
        "1 thumbprint removed, 2 roles added, 1 role removed";
    download dry(local, bundle, {flag(dry_run)});
    dry.run();
    CHECK(dry.why() == "");
    CHECK(dry.site.own.transactions.empty());
    CHECK(lines_of(parsed(dry.output(difference_code))) == expected);
    CHECK(dry.output(summary_code) == "dry run, nothing was changed: " + counts);

    download d(local, bundle);
    d.run();
    CHECK(d.why() == "");
    CHECK(d.output(summary_code) == "applied: " + counts);
    REQUIRE(d.site.own.transactions.size() == 1);
    const auto& t = d.site.own.transactions[0];
    CHECK(t["entry"].size() == 5);
    // What is unchanged is referred to as it is here; what is sent, as in the bundle.
    const auto text = t.dump();
    CHECK(contains(text, R"("organization":{"reference":"Organization/here-parent"})"));
    CHECK(contains(text, R"("endpoint":[{"reference":"Endpoint/here-dic-b"}])"));
    CHECK_FALSE(contains(text, "there-"));
  }
  SECTION("a member leaves: deactivated, deleted, or only not mentioned") {
    theirs.organization("dic-b").set("active", false);
    const auto r = [&](const json& bundle) {
      download d(local, bundle, {flag(dry_run)});
      d.run();
      CHECK(d.why() == "");
      return lines_of(parsed(d.output(difference_code)));
    };
    CHECK(r(bundle_of(theirs)) == std::vector<std::string>{"~ organization dic-b.example (dic-b): active true -> false",
                                                           "- thumbprint of dic-b.example " + thumbprint('c')});
    server two("there-");
    two.add("hrp", "HRP", 'a');
    two.add("dic-a", "DIC", 'b');
    auto bundle = bundle_of(two);
    CHECK(r(bundle).empty());
    bundle.find("entry")->push_back(parsed(
        R"({"request":{"method":"DELETE","url":"OrganizationAffiliation?primary-organization:identifier=http%3A%2F%2Fdsf.dev/sid/organization-identifier%7Cconsortium.example&participating-organization:identifier=http://dsf.dev/sid/organization-identifier|dic-b.example"}})"));
    CHECK(r(bundle) == std::vector<std::string>{"- affiliation of dic-b.example to consortium.example at endpoint.dic-b.example",
                                                "- role DIC of dic-b.example in consortium.example"});
  }
}

// Would find: a site that locks itself out, or is locked out, by a bundle.
TEST_CASE("allow-list: a bundle against the own site is refused unless that is meant") {
  const auto local = three("here-");
  auto theirs = three("there-");
  std::string says;
  SECTION("thumbprint") {
    theirs.organization("dic-a").set("extension",
                                     json::array{json::object{{"url", thumbprint_extension}, {"valueString", thumbprint('f')}}});
    says = "removes the own certificate thumbprint bbbbbbbbbbbbbbbb...";
  }
  SECTION("organization") {
    theirs.organization("dic-a").set("active", false);
    says = "deactivates the own organization dic-a.example";
  }
  SECTION("endpoint's status") {
    theirs.endpoint("dic-a").set("status", "off");
    says = "sets the own endpoint endpoint.dic-a.example to status off";
  }
  SECTION("endpoint's address") {
    theirs.endpoint("dic-a").set("address", "https://elsewhere.example/fhir");
    says = "changes the address of the own endpoint to https://elsewhere.example/fhir";
  }
  SECTION("endpoint taken away") {
    theirs.organization("dic-a").set("endpoint", json::array{reference("Endpoint/there-dic-b")});
    says = "takes the own endpoint endpoint.dic-a.example from the own organization";
  }
  const auto bundle = bundle_of(theirs);
  INFO(says);
  for (const auto& more : {json::array{}, json::array{flag(dry_run)}}) {
    const auto text = refusal(local, bundle, more);
    INFO(text);
    CHECK(contains(text, says));
    CHECK(contains(text, "accept-own-changes"));
    CHECK(contains(text, "nothing was changed"));
  }
  download d(local, bundle, {flag(accept_own_changes)});
  d.run();
  CHECK(d.why() == "");
  CHECK(d.site.own.transactions.size() == 1);
}

TEST_CASE("allow-list: the own organization and endpoint are never deleted, whoever accepts that") {
  auto bundle = bundle_of(three("there-"));
  auto& entries = *bundle.find("entry")->if_array();
  SECTION("organization") {
    std::erase_if(entries, [](const json& e) { return contains(e.dump(), "dic-a"); });
    entries.push_back(parsed(
        R"({"request":{"method":"DELETE","url":"Organization?identifier=http://dsf.dev/sid/organization-identifier|dic-a.example"}})"));
    CHECK(contains(refusal(three("here-"), bundle, {flag(accept_own_changes)}), "deletes the own organization dic-a.example"));
  }
  SECTION("endpoint") {
    std::erase_if(entries, [](const json& e) { return contains(e.dump(), "dic-a"); });
    entries.push_back(parsed(
        R"({"request":{"method":"DELETE","url":"Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|endpoint.dic-a.example"}})"));
    CHECK(contains(refusal(three("here-"), bundle, {flag(accept_own_changes)}), "deletes the own endpoint endpoint.dic-a.example"));
  }
}

// Would find: strangers let in, certificates that make one organization another.
TEST_CASE("allow-list: another consortium, strangers and stolen certificates") {
  const auto local = three("here-");
  auto theirs = three("there-");
  SECTION("another parent organization, which the operator may name") {
    theirs.organization("parent").set("identifier", json::array{identifier(organization_sid, "other.example")});
    const auto bundle = bundle_of(theirs);
    CHECK(contains(refusal(local, bundle), "members of the parent organization other.example, which the own allow-list does not know"));
    download d(local, bundle, {parameter(own_codes, accept_parent, "valueString", "other.example")});
    d.run();
    CHECK(d.why() == "");
    CHECK(d.site.own.transactions.size() == 1);
  }
  SECTION("an organization of no consortium") {
    theirs.add("stranger", "DIC", '9');
    theirs.affiliations.pop_back();
    CHECK(contains(refusal(local, bundle_of(theirs)), "the organization stranger.example is new and belongs to no parent organization"));
  }
  SECTION("the certificate of a member that the bundle does not mention") {
    auto here = local;
    here.add("dic-c", "DIC", '7');
    theirs.organization("dic-b").set("extension",
                                     json::array{json::object{{"url", thumbprint_extension}, {"valueString", thumbprint('7')}}});
    CHECK(contains(refusal(here, bundle_of(theirs)), "dic-b.example has a certificate thumbprint that here belongs to dic-c.example"));
  }
  SECTION("the same certificate twice") {
    theirs.organization("dic-b").set("extension",
                                     json::array{json::object{{"url", thumbprint_extension}, {"valueString", thumbprint('a')}}});
    CHECK(contains(refusal(local, bundle_of(theirs)), "has the certificate thumbprint of dic-b.example, too"));
  }
}

// Would find: anything but an allow-list applied; a violation that is not told (dsf-bpe 9.3 wants each as an output).
TEST_CASE("allow-list: what is no allow-list is refused, with a place") {
  const auto local = three("here-");
  auto bundle = bundle_of(three("there-"));
  auto& entries = *bundle.find("entry")->if_array();
  std::string says;
  SECTION("another resource") {
    bundle = parsed(R"({"resourceType":"Patient"})");
    says = "Patient is not a Bundle";
  }
  SECTION("another bundle") {
    bundle.erase("identifier");
    says = "Bundle.identifier is not http://dsf.dev/fhir/CodeSystem/allow-list|allow_list";
  }
  SECTION("a type that is not applied") {
    bundle.set("type", "collection");
    says = "Bundle.type is 'collection'";
  }
  SECTION("empty") {
    entries.clear();
    says = "Bundle.entry is empty";
  }
  SECTION("another method") {
    entries[2].find("request")->set("method", "POST");
    says = "Bundle.entry[2] has the method 'POST'";
  }
  SECTION("another type") {
    entries.push_back(parsed(
        R"({"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient"},"request":{"method":"PUT","url":"Patient?identifier=x|y"}})"));
    says = "Bundle.entry[10] is of type 'Patient'";
  }
  SECTION("by id") {
    entries[0].find("request")->set("url", "Organization/1");
    says = "Bundle.entry[0] has the URL 'Organization/1'";
  }
  SECTION("an update that finds another one") {
    entry_of(bundle, "Endpoint", "dic-b")
        .find("request")
        ->set("url", "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|endpoint.dic-a.example");
    says = "updates another one (endpoint.dic-a.example) than it is: endpoint.dic-b.example";
  }
  SECTION("the same twice") {
    entries.push_back(entries[1]);
    entries.back().set("fullUrl", "urn:uuid:2");
    says = "as another entry does";
  }
  SECTION("a reference out of the bundle") {
    entry_of(bundle, "Endpoint", "dic-b").find("resource")->set("managingOrganization", reference("Organization/1"));
    says = "refers to Organization/1, which is no entry of this bundle";
  }
  SECTION("a logical reference out of the bundle") {
    entry_of(bundle, "Organization", "dic-b")
        .find("resource")
        ->set("partOf", json::object{{"identifier", identifier(organization_sid, "nobody.example")}});
    says = "refers to nobody.example, which is no entry of this bundle";
  }
  SECTION("no certificate's thumbprint") {
    entry_of(bundle, "Organization", "dic-b.example").find("resource")->find("extension")->if_array()->at(0).set("valueString", "abc");
    says = "is not 128 lower-case hex digits";
  }
  SECTION("without TLS") {
    entry_of(bundle, "Endpoint", "dic-b").find("resource")->set("address", "http://dic-b.example/fhir");
    says = "has the address 'http://dic-b.example/fhir', which is not https";
  }
  SECTION("identifiers that a search would read as two") {
    auto& e = entry_of(bundle, "Endpoint", "dic-b");
    e.find("resource")->set("identifier", json::array{identifier(endpoint_sid, "a,b")});
    says = "needs exactly one identifier";
  }
  INFO(says);
  download d(local, bundle);
  d.run();
  INFO(d.why());
  CHECK(d.site.own.transactions.empty());
  REQUIRE(d.ended);
  REQUIRE(std::holds_alternative<bpmn_error>(*d.ended));
  bool told = false;
  for (const auto& o : d.outputs) {
    UNSCOPED_INFO(o["valueString"].str());
    CHECK(o["type"]["coding"][0]["code"].str() == "error");
    told = told || contains(o["valueString"].str(), says);
  }
  CHECK(told);
}

TEST_CASE("allow-list: where the bundle is, and whether it can be read") {
  const auto local = three("here-");
  download d(local, bundle_of(three("there-")));
  SECTION("nowhere on the allow-list") {
    d.a = started_by("dic-a.example",
                     {parameter(codes, allow_list_code, "valueReference", reference("https://nobody.example/fhir/Bundle/1"))});
    d.run();
    CHECK(contains(d.why(), "https://nobody.example/fhir, which is no active endpoint of the own allow-list"));
  }
  SECTION("not there") {
    d.site.others[coordinator]->answers.clear();
    d.run();
    CHECK(contains(d.why(), "the allow-list https://hrp.example/fhir/Bundle/list can't be read, and nothing was changed"));
    CHECK(contains(d.why(), "dsfctl doctor --partner hrp.example"));
    CHECK_FALSE(std::get<failed>(*d.ended).retryable);
  }
  SECTION("no reference") {
    d.a = started_by("dic-a.example", {});
    d.run();
    CHECK(contains(d.why(), "the Task needs an input allow_list with a valueReference.reference"));
  }
}

}  // namespace dsf::processes::allow_list
