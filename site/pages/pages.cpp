#include "site/pages/pages.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/mutant.hpp"
#include "fhir/model/model.hpp"
#include "net/query.hpp"
#include "site/pages/headers.hpp"
#include "site/pages/visit.hpp"
#include "web/answer_form.hpp"
#include "web/assets.hpp"
#include "web/bundle_view.hpp"
#include "web/outcome.hpp"
#include "web/resource_view.hpp"

namespace dsf::site {
namespace {

using base::json;

constexpr std::size_t key_bytes = 32;

std::string random_bytes(base::entropy& source) {
  std::array<std::uint8_t, key_bytes> bytes{};
  source.fill(bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hmac(const std::string& key, const std::string& text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &n);
  return base::to_hex({reinterpret_cast<const char*>(out), n});
}

std::string digest(std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &n, EVP_sha256(), nullptr);
  return base::to_hex({reinterpret_cast<const char*>(out), n});
}

// "Task/1" of a form's page; nothing for other places.
bool takes_forms(std::string_view below) {
  const auto slash = below.find('/');
  if (slash == below.npos || slash + 1 == below.size() || below.find('/', slash + 1) != below.npos ||
      below.substr(slash + 1).starts_with('_'))
    return false;
  return below.substr(0, slash) == "Task" || below.substr(0, slash) == "QuestionnaireResponse";
}

}  // namespace

pages::pages(pages_options options, net::handler endpoint, identify who, std::function<void(std::function<void()>)> run,
             const base::clock& time, base::entropy& entropy)
    : options_(std::move(options)),
      key_(random_bytes(entropy)),
      endpoint_(std::move(endpoint)),
      who_(std::move(who)),
      run_(std::move(run)),
      clock_(&time) {
  if (const auto url = net::parse_url(options_.base_url)) {
    base_path_ = url->target == "/" ? std::string() : url->target;
    origin_ = url->scheme + "://" + url->authority();
  }
}

std::string_view pages::below_base(const net::request& r) const {
  auto path = r.path();
  if (!path.starts_with(base_path_)) return {};
  path.remove_prefix(base_path_.size());
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

bool pages::takes(const net::request& r) const {
  const auto path = r.path();
  if (!path.starts_with(base_path_) || (path.size() > base_path_.size() && path[base_path_.size()] != '/')) return false;
  if (is_form(r)) return takes_forms(below_base(r));
  if (r.method != "GET" && r.method != "HEAD") return false;
  return below_base(r).starts_with("static/") || wants_page(r);
}

bool pages::takes_as_file(const net::request& r) const {
  return (r.method == "GET" || r.method == "HEAD") && takes(r) && below_base(r).starts_with("static/");
}

web::visitor pages::visitor_of(const net::request& r) const {
  web::visitor v;
  v.lang = language_of(r);
  v.base_path = base_path_;
  v.base_url = options_.base_url;
  v.site = options_.site;
  v.kind = options_.kind;
  v.environment_name = options_.environment_name;
  v.here = std::string(r.path());
  if (const auto q = encoded(asked_of(r)); !q.empty()) v.here += "?" + q;
  return v;
}

net::responder pages::explained(const net::request& r, net::responder answer) const {
  const bool asked = wants_page(r) && (r.method == "GET" || r.method == "HEAD" || is_form(r));
  if (!asked) return answer;
  auto to = std::make_shared<net::responder>(std::move(answer));
  return net::responder::to([to, visitor = visitor_of(r), head = r.method == "HEAD"](net::response&& reply) {
    const auto* type = reply.headers.find("Content-Type");
    if (reply.status < 400 || (type && type->starts_with("text/html"))) return (*to)(std::move(reply));
    auto outcome = json::parse(reply.body.view());
    auto page = page_response(reply.status, web::render(visitor, web::error_page(visitor, reply.status, outcome ? *outcome : json())));
    for (const auto name : {"Retry-After", "WWW-Authenticate", "Set-Cookie"})
      for (const auto value : reply.headers.all(name)) page.headers.add(name, std::string(value));
    if (head) {
      page.headers.set("Content-Length", std::to_string(page.body.size()));
      page.body = net::body_bytes();
    }
    (*to)(std::move(page));
  });
}

void pages::asset(const net::request& r, net::responder answer) const {
  const auto* file = web::find_asset(below_base(r).substr(std::string_view("static/").size()));
  if (!file) return explained(r, std::move(answer))(net::text_response(404, "there is no such file\n"));
  net::response out;
  const auto tag = "\"" + digest(file->text) + "\"";
  out.headers.set("ETag", tag);
  // Asked for at each load, answered 304: a new release shows at once.
  out.headers.set("Cache-Control", "no-cache, private");
  add_security_headers(out.headers, file->name.ends_with(".svg"));
  const auto known = r.headers.value("If-None-Match");
  if (known == "*" || known.find(tag) != known.npos) {
    out.status = 304;
    return answer(std::move(out));
  }
  out.headers.set("Content-Type", std::string(web::media_type_of(*file)));
  if (r.method == "HEAD")
    out.headers.set("Content-Length", std::to_string(file->text.size()));
  else
    out.body = std::string(file->text);
  answer(std::move(out));
}

std::string pages::seal_of(const net::peer& who, const std::string& path) const { return hmac(key_, who.thumbprint + "\n" + path); }

// A form counts only if a page of ours sent it: browsers always say where a POST comes from (Fetch standard, 3.2; dsf-fhir-server has no forms).
bool pages::is_own_form(const net::request& r) const {
  if (DSF_MUTANT("web.origin_not_checked")) return true;
  if (r.headers.value("Origin") != origin_) return false;
  const auto site = r.headers.value("Sec-Fetch-Site");
  return site.empty() || site == "same-origin";
}

web::sender pages::sender_of(const fhir::identity& who) const {
  return {who.is_practitioner(), who.is_practitioner() ? who.practitioner_identifier : who.organization_identifier};
}

std::string pages::now_text() const { return base::to_iso(clock_->now()); }

void pages::handle(net::request&& r, net::responder answer) {
  if (below_base(r).starts_with("static/") && !is_form(r)) return asset(r, std::move(answer));
  auto v = std::make_shared<visit>();
  v->visitor = visitor_of(r);
  v->below = std::string(below_base(r));
  v->head = r.method == "HEAD";
  v->answer = explained(r, std::move(answer));
  auto who = who_(*r.peer);
  v->request = std::move(r);
  if (!who) return v->answer(net::response{.status = 403});
  v->who = std::move(*who);
  v->visitor.name = v->who.name();
  v->visitor.can_log_out = v->request.peer->token != nullptr;
  if (is_form(v->request)) return submit(v);
  show(v);
}

void pages::ask(const std::shared_ptr<visit>& v, std::string method, const std::string& below, net::header_list headers, std::string body,
                told then) {
  net::request q;
  q.method = std::move(method);
  q.target = base_path_ + "/" + below;
  q.headers = std::move(headers);
  q.headers.set("Accept", "application/fhir+json");
  q.body = std::move(body);
  q.peer = v->request.peer;
  endpoint_(std::move(q), net::responder::to([this, then = std::move(then)](net::response&& reply) {
              // Answers come from the store's threads, too, which have other things to do than to write pages.
              run_([then, reply = std::move(reply)] {
                auto parsed = json::parse(reply.body.view());
                then(reply.status, reply.headers, parsed ? *std::move(parsed) : json());
              });
            }));
}

void pages::show(const std::shared_ptr<visit>& v) {
  if (v->below.empty() && v->request.query().find("_page") == std::string_view::npos) return v->finish(200, web::start_page(v->visitor));
  const auto asked = asked_of(v->request);
  auto below = v->below;
  if (const auto q = encoded(asked); !q.empty()) below += "?" + q;
  ask(v, "GET", below, {}, {}, [this, v, asked](int status, const net::header_list& headers, json body) {
    if (status >= 300) return v->finish(status, web::error_page(v->visitor, status, body));
    const auto& type = body["resourceType"].str();
    if (const auto tag = headers.value("ETag"); tag.starts_with("W/\"")) v->tag = "W/\"h" + std::string(tag.substr(3));
    if (v->below.ends_with("_history") && type == "Bundle") {
      auto of = v->below.substr(0, v->below.size() - std::string_view("_history").size());
      if (of.ends_with('/')) of.pop_back();
      return v->finish(200, web::history_page(v->visitor, of, body));
    }
    if (type == "Bundle" && v->below.find('/') == std::string::npos && fhir::is_served(v->below))
      return v->finish(200, web::search_page(v->visitor, v->below, asked, body));
    const bool old_version = v->below.find("/_history/") != std::string::npos;
    if (!old_version && type == "Task" && body["status"].str() == "draft") return show_draft(v, std::move(body), {});
    if (!old_version && type == "QuestionnaireResponse" && body["status"].str() == "in-progress" && v->who.local)
      return show_questions(v, std::move(body), {});
    v->finish(200, web::resource_page(v->visitor, body, old_version));
  });
}

// The newest of what the caller may see; null: none.
void pages::profile_of(const std::shared_ptr<visit>& v, const std::string& type, const std::string& canonical,
                       std::function<void(json)> then) {
  if (canonical.empty()) return then(json());
  ask(v, "GET", type + "?" + encoded({{"url", canonical}, {"_count", "1"}, {"_sort", "-_lastUpdated"}}), {}, {},
      [then = std::move(then)](int status, const net::header_list&, json body) {
        for (const auto& e : body["entry"])
          if (status == 200 && e["search"]["mode"].str() == "match") return then(e["resource"]);
        then(json());
      });
}

void pages::show_draft(const std::shared_ptr<visit>& v, json draft, web::problems wrong, int status) {
  const auto profile = draft["meta"]["profile"][std::size_t{0}].str();
  profile_of(v, "StructureDefinition", profile, [this, v, status, draft = std::move(draft), wrong = std::move(wrong)](json p) {
    web::form_seal seal{seal_of(*v->request.peer, v->below)};
    v->finish(status, web::task_form_page(v->visitor, draft, p, seal, {v->sent ? &*v->sent : nullptr, wrong}));
  });
}

void pages::show_questions(const std::shared_ptr<visit>& v, json response, web::problems wrong, int status) {
  const auto canonical = response["questionnaire"].str();
  profile_of(v, "Questionnaire", canonical, [this, v, status, response = std::move(response), wrong = std::move(wrong)](json q) {
    web::form_seal seal{seal_of(*v->request.peer, v->below)};
    v->finish(status, web::answer_form_page(v->visitor, response, q, seal, {v->sent ? &*v->sent : nullptr, wrong}));
  });
}

void pages::submit(const std::shared_ptr<visit>& v) {
  if (!is_own_form(v->request)) return v->finish(403, web::foreign_form_page(v->visitor));
  auto fields = net::parse_query(v->request.body);
  if (!fields) return v->answer(net::text_response(400, fields.error().text()));
  parameters list;
  for (auto& f : *fields) list.emplace_back(std::move(f.name), std::move(f.value));
  v->sent.emplace(std::move(list));
  ask(v, "GET", v->below, {}, {}, [this, v](int status, const net::header_list&, json now) {
    if (status >= 300) return v->finish(status, web::error_page(v->visitor, status, now));
    const bool task = now["resourceType"].str() == "Task";
    if (now["status"].str() != (task ? "draft" : "in-progress")) {
      // Sent twice, or answered by somebody else.
      v->sent.reset();
      return v->finish(409, web::resource_page(v->visitor, now, false));
    }
    const auto again = [this, v, task](json resource, web::problems wrong, int with) {
      task ? show_draft(v, std::move(resource), std::move(wrong), with) : show_questions(v, std::move(resource), std::move(wrong), with);
    };
    const auto token = v->sent->value(web::token_field);
    if (token != seal_of(*v->request.peer, v->below) && !DSF_MUTANT("web.token_not_checked"))
      return again(std::move(now), {std::string(v->visitor.word(web::word::problem_stale))}, 403);
    if (v->sent->has(web::more_field)) return again(std::move(now), {}, 200);
    if (task)
      return profile_of(v, "StructureDefinition", now["meta"]["profile"][std::size_t{0}].str(),
                        [this, v, now](json p) { create_task(v, now, std::move(p)); });
    profile_of(v, "Questionnaire", now["questionnaire"].str(), [this, v, now](json q) { complete(v, now, std::move(q)); });
  });
}

void pages::create_task(const std::shared_ptr<visit>& v, json draft, json profile) {
  web::problems wrong;
  const auto task = web::task_of_form(v->visitor, draft, profile, *v->sent, sender_of(v->who), now_text(), wrong);
  if (!task) return show_draft(v, std::move(draft), std::move(wrong), 422);
  ask(v, "POST", "Task", {{"Content-Type", "application/fhir+json"}, {"Prefer", "return=representation"}}, task->dump(),
      [this, v, draft = std::move(draft)](int status, const net::header_list&, json made) {
        if (status == 201) return v->go_to(base_path_ + "/Task/" + made["id"].str());
        show_draft(v, draft, {v->refusal(status, made)}, status);
      });
}

void pages::complete(const std::shared_ptr<visit>& v, json response, json questionnaire) {
  web::problems wrong;
  const auto done = web::answer_of_form(v->visitor, response, questionnaire, *v->sent, sender_of(v->who), now_text(), wrong);
  if (!done) return show_questions(v, std::move(response), std::move(wrong), 422);
  // What the form was made of must still be what stands here.
  const auto version = v->sent->value("version");
  if (version != response["meta"]["versionId"].str()) {
    v->sent.reset();
    return show_questions(v, std::move(response), {std::string(v->visitor.word(web::word::problem_changed))}, 409);
  }
  ask(v, "PUT", v->below, {{"Content-Type", "application/fhir+json"}, {"If-Match", "W/\"" + version + "\""}}, done->dump(),
      [this, v, response = std::move(response)](int status, const net::header_list&, json said) {
        if (status == 200) return v->go_to(base_path_ + "/" + v->below);
        if (status == 412) {
          v->sent.reset();
          return show_questions(v, response, {std::string(v->visitor.word(web::word::problem_changed))}, 409);
        }
        show_questions(v, response, {v->refusal(status, said)}, status);
      });
}

}  // namespace dsf::site
