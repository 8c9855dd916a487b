#include "actors/fhir_endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/binary_blobs.hpp"
#include "actors/inbox.hpp"
#include "actors/notable_writes.hpp"
#include "actors/peer_facts.hpp"
#include "actors/raw_binary.hpp"
#include "actors/task_document.hpp"
#include "actors/too_many_requests.hpp"
#include "base/bytes.hpp"
#include "fhir/semantics/batch.hpp"
#include "fhir/semantics/refusal.hpp"
#include "net/query.hpp"
#include "storage/errors.hpp"
#include "storage/ordered_index.hpp"

namespace dsf::actors {

struct fhir_endpoint::exchange {
  fhir::interaction_request request;
  fhir::identity who;
  std::shared_ptr<const net::peer> peer;  // null: the site itself
  std::function<void(fhir::reply)> done;
  int attempts = 0;
  bool alone = false;
  extend more;
  std::function<void()> release;
  std::string type;  // first segment of the path
  std::vector<notable_write> notable;  // of the commit under way
  bool is_search = false;
  std::shared_ptr<binary_upload> upload;  // has a blob
  std::shared_ptr<fhir::batch_work> batch;  // its entries are exchanges of their own, one after the other
  [[nodiscard]] std::string_view writes_type() const { return batch ? batch->type() : std::string_view(type); }
};

namespace {

constexpr int read_only_retry_after_s = 5;
constexpr int low_space_retry_after_s = 60;

fhir::http_method method_of(std::string_view m) {
  if (m == "GET") return fhir::http_method::get;
  if (m == "HEAD") return fhir::http_method::head;
  if (m == "POST") return fhir::http_method::post;
  if (m == "PUT") return fhir::http_method::put;
  if (m == "DELETE") return fhir::http_method::remove;
  if (m == "PATCH") return fhir::http_method::patch;
  if (m == "OPTIONS") return fhir::http_method::options;
  return fhir::http_method::other;
}

std::optional<std::string> header(const net::request& r, std::string_view name) {
  const auto* v = r.headers.find(name);
  return v ? std::optional<std::string>(*v) : std::nullopt;
}

fhir::reply plain(int status) {
  fhir::reply r;
  r.status = status;
  return r;
}

std::string_view first_segment(std::string_view path) { return path.substr(0, path.find('/')); }

}  // namespace

fhir_endpoint::fhir_endpoint(endpoint_options options, storage::store& store, endpoint_caches& caches, work_pool& work, head_check head,
                             run_alone alone, base::clock& time, base::entropy& entropy, const base::logger& log, site_events& events)
    : options_(std::move(options)),
      store_(&store),
      caches_(&caches),
      work_(&work),
      head_(std::move(head)),
      alone_(std::move(alone)),
      clock_(&time),
      entropy_(&entropy),
      log_(&log),
      events_(&events),
      tasks_(std::make_shared<storage::ordered_index>(store, "Task", "status",
                                                      [&work](std::function<void()> job) { work.run(std::move(job)); })) {}

net::body_verdict fhir_endpoint::judge_body(const net::request& head) {
  net::body_verdict verdict;
  auto* blobs = store_->blobs();
  const auto path = head.path();
  const auto& base = options_.base_path;
  if (!blobs || !path.starts_with(base) || !path.substr(base.size()).starts_with("/Binary")) return verdict;
  auto e = std::make_shared<exchange>();
  auto& q = e->request;
  q.method = method_of(head.method);
  q.path = std::string(path.substr(base.size() + 1));
  q.content_type = header(head, "Content-Type");
  const auto parameters = net::parse_query(head.query());
  const bool raw = is_raw_upload(q);
  if (!parameters || (!raw && !is_binary_resource(q))) return verdict;
  for (const auto& p : *parameters) q.query.emplace_back(p.name, p.value);
  q.if_match = header(head, "If-Match");
  q.if_none_exist = header(head, "If-None-Exist");
  auto identity = caches_->identify(facts_of(*head.peer));
  // Who is not known is told so as ever.
  if (!identity || !*identity) return verdict;
  e->who = std::move(**identity);

  const auto refuse = [this, request = q](const base::error& why) { return render_fault_of_bytes(request, why); };
  if (!raw) {
    // What it is about stands in the body, and is judged when that is here.
    const auto form = q.content_type->find("xml") == std::string::npos ? binary_data::form::json : binary_data::form::xml;
    verdict.limit = options_.binary_resource_bytes;
    verdict.sink =
        std::make_shared<binary_upload>(*blobs, *work_, refuse, binary_data(form, static_cast<std::size_t>(options_.body_bytes)));
    return verdict;
  }
  std::optional<fhir::reply> refusal = take_raw_upload(head.headers, q);
  if (!refusal) {
    e->done = [&refusal](fhir::reply r) { refusal = std::move(r); };  // only before look() returns
    look(e, [&](const fhir::interaction_context& context) {
      auto prepared = fhir::prepare(q, context);
      if (const auto* reply = prepared.if_reply(); reply && reply->status >= 400) refusal = *reply;
    });
  }
  if (refusal) {
    verdict.refusal = std::make_shared<net::response>(render(std::move(*refusal)));
    return verdict;
  }
  verdict.limit = options_.binary_bytes;
  verdict.sink = std::make_shared<binary_upload>(*blobs, *work_, refuse);
  return verdict;
}

net::response fhir_endpoint::render_fault_of_bytes(const fhir::interaction_request& request, const base::error& why) {
  if (why.is(base::errc::invalid_argument) || why.is(base::errc::parse))
    return render(fhir::refusal_reply(request, 400, "invalid", why.text()));
  if (why.is(base::errc::limit)) return render(fhir::refusal_reply(request, 413, "too-long", why.text()));
  return render(no_room_for_bytes(request, why));
}

fhir::reply fhir_endpoint::no_room_for_bytes(const fhir::interaction_request& request, const base::error& why) {
  log_->error("endpoint", "the bytes of a Binary could not be stored", {}, {{"error", why.to_string()}});
  return fhir::unavailable_reply(request, options_.config, "This site can't store the bytes just now; nothing of them was kept",
                                 read_only_retry_after_s);
}

net::response fhir_endpoint::render_binary(fhir::reply r) {
  auto bytes = blob_of_reply(r, *store_);
  if (!bytes) {
    log_->error("endpoint", "the bytes of a Binary can't be read", {}, {{"error", bytes.error().to_string()}});
    net::response fault;
    fault.status = 500;
    return fault;
  }
  return *bytes ? render_with_blob(std::move(r), std::move(*bytes), *work_) : render(std::move(r));
}

void fhir_endpoint::handle(net::request&& request, net::responder answer) {
  const auto path = request.path();
  const auto& base = options_.base_path;
  if (!path.starts_with(base) || (path.size() > base.size() && path[base.size()] != '/')) return answer(net::text_response(404, ""));

  auto e = std::make_shared<exchange>();
  auto identity = caches_->identify(facts_of(*request.peer));
  if (!identity) {
    log_->error("endpoint", "the allow-list can't be read", {}, {{"error", identity.error().to_string()}});
    net::response r = net::text_response(503, "");
    r.headers.set("Retry-After", "5");
    return answer(std::move(r));
  }
  if (options_.throttle)
    if (const int wait_s = options_.throttle(*identity ? &**identity : nullptr, *request.peer); wait_s > 0)
      return answer(too_many_requests(header(request, "Accept"), wait_s));
  if (!*identity) {
    // dsf-fhir-server 2.1: a certificate of a known CA that the allow-list does not name gets 403 without a body.
    log_->warning("endpoint", "the caller is not on the allow-list, and no role of the role configuration is theirs", {},
                  {{"thumbprint", request.peer->thumbprint}, {"subject", request.peer->subject}});
    net::response r;
    r.status = 403;
    return answer(std::move(r));
  }
  e->who = std::move(**identity);
  if (options_.on_notable_write) e->peer = request.peer;

  auto& q = e->request;
  q.method = method_of(request.method);
  auto rest = path.substr(base.size());
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  auto decoded = net::percent_decode(rest);
  if (!decoded) return answer(net::text_response(400, decoded.error().text()));
  q.path = std::move(*decoded);
  auto parameters = net::parse_query(request.query());
  if (!parameters) return answer(net::text_response(400, parameters.error().text()));
  for (auto& p : *parameters) q.query.emplace_back(std::move(p.name), std::move(p.value));
  // Several lines are one list (RFC 9110 5.3).
  for (const auto line : request.headers.all("Accept")) q.accept = q.accept ? *q.accept + ", " + std::string(line) : std::string(line);
  q.content_type = header(request, "Content-Type");
  q.prefer = header(request, "Prefer");
  q.if_match = header(request, "If-Match");
  q.if_none_match = header(request, "If-None-Match");
  q.if_modified_since = header(request, "If-Modified-Since");
  q.if_unmodified_since = header(request, "If-Unmodified-Since");
  q.if_none_exist = header(request, "If-None-Exist");
  q.body = std::move(request.body);

  auto shared_answer = std::make_shared<net::responder>(std::move(answer));
  if (auto asked = take_raw_read(request.headers, q)) {
    const auto id = std::string_view(q.path).substr(q.path.find('/') + 1);
    e->done = [this, shared_answer, asked = std::move(*asked), id = std::string(id.substr(0, id.find('/')))](fhir::reply r) {
      work_->run([this, shared_answer, asked, id, r = std::move(r)]() mutable {
        auto bytes = blob_of_reply(r, *store_);
        if (!bytes || !*bytes)
          return (*shared_answer)(bytes ? render(raw_answer(asked, std::move(r), id).reply) : render_binary(std::move(r)));
        auto part = raw_answer(asked, std::move(r), id, (*bytes)->size());
        const bool head_only = part.reply.head_only;
        auto out = render(std::move(part.reply));
        if (part.first && head_only) out.headers.set("Content-Length", std::to_string(part.size));
        if (part.first && !head_only) out.source = bytes_of_blob(std::move(*bytes), *part.first, part.size, *work_);
        (*shared_answer)(std::move(out));
      });
    };
    return start(std::move(e));
  }
  const bool binary = (q.method == fhir::http_method::get || q.method == fhir::http_method::head) && q.path.starts_with("Binary/");
  e->done = [this, shared_answer, binary](fhir::reply r) {
    const bool slow = r.xml || r.pretty || !r.summary.empty();
    if (binary && r.has_body()) {
      work_->run([this, shared_answer, r = std::move(r)]() mutable { (*shared_answer)(render_binary(std::move(r))); });
    } else if (slow && r.has_body()) {
      work_->run([shared_answer, r = std::move(r)]() mutable { (*shared_answer)(render(std::move(r))); });
    } else {
      (*shared_answer)(render(std::move(r)));
    }
  };
  e->upload = std::dynamic_pointer_cast<binary_upload>(request.sink);
  if (e->upload || is_raw_upload(q)) {
    work_->run([this, e, shared_answer, headers = std::move(request.headers)] {
      const bool resource = e->upload && e->upload->is_resource();
      if (e->upload) {
        const auto whole = e->upload->finish(e->request.body);
        if (!whole) return (*shared_answer)(render_fault_of_bytes(e->request, whole.error()));
        if (!*whole) e->upload.reset();
      }
      if (resource) return start(e);
      if (auto refused = take_raw_upload(headers, e->request)) return finish(e, std::move(*refused));
      start(e);
    });
    return;
  }
  start(std::move(e));
}

void fhir_endpoint::handle_as(const fhir::identity& who, fhir::interaction_request request, std::function<void(fhir::reply)> done,
                              extend more) {
  auto e = std::make_shared<exchange>();
  e->who = who;
  e->request = std::move(request);
  e->done = std::move(done);
  e->more = std::move(more);
  start(std::move(e));
}

base::result<void> fhir_endpoint::upload_as(const fhir::identity& who, fhir::interaction_request request,
                                            const std::function<base::result<std::string>()>& content,
                                            std::function<void(fhir::reply)> done, extend more) {
  auto* blobs = store_->blobs();
  if (!blobs) return base::fail(base::errc::invalid_argument, "a store without a folder takes no bytes of Binaries", request.path);
  auto upload = std::make_shared<binary_upload>(*blobs, *work_, nullptr);
  std::uint64_t size = 0;
  for (auto piece = TRY(content()); !piece.empty(); piece = TRY(content())) {
    size += piece.size();
    if (size > options_.binary_bytes)
      return base::fail(base::errc::limit, fmt::format("a Binary may have {} bytes here; see limits.binary", options_.binary_bytes),
                        request.path);
    TRY(upload->take_here(piece));
  }
  std::string few;
  if (!TRY(upload->finish(few))) {
    auto resource = TRY(base::json::parse(request.body));
    if (!few.empty()) resource.set("data", base::to_base64(few));
    request.body = resource.dump();
    upload.reset();
  }
  auto e = std::make_shared<exchange>();
  e->who = who;
  e->request = std::move(request);
  e->done = std::move(done);
  e->more = std::move(more);
  e->upload = std::move(upload);
  start(std::move(e));
  return {};
}

void fhir_endpoint::start(std::shared_ptr<exchange> e) {
  e->type = std::string(first_segment(e->request.path));
  // A read of a current version is answered here; what may touch much of the store goes to the work threads.
  const bool search = (e->request.method == fhir::http_method::get || e->request.method == fhir::http_method::head) &&
                      (e->request.path.find('/') == std::string::npos || e->request.path.ends_with("/_history"));
  const bool post_search = e->request.path.ends_with("/_search");
  const bool bundle = e->request.path.empty();
  e->is_search = post_search || (search && e->request.path == e->type);
  const bool large = e->request.body.size() > options_.inline_body_bytes || e->upload;
  const bool xml_body = e->request.content_type && e->request.content_type->find("xml") != std::string::npos;
  if (search || post_search || bundle || large || xml_body) {
    work_->run([this, e] { prepare(e); });
  } else {
    prepare(e);
  }
}

void fhir_endpoint::look(const std::shared_ptr<exchange>& e, const std::function<void(const fhir::interaction_context&)>& judge) {
  const auto facts = caches_->facts();
  const auto view = store_->view();
  if (!facts || !view) return unavailable(e);
  if (e->type == "Task" && e->is_search) {
    const storage::ordered_store_view ordered(view, tasks_);
    return judge(
        {ordered, e->who, options_.config, clock_->now(), *entropy_, *(*facts)->allow_list, *(*facts)->processes, *(*facts)->conformance});
  }
  judge({*view, e->who, options_.config, clock_->now(), *entropy_, *(*facts)->allow_list, *(*facts)->processes, *(*facts)->conformance});
}

void fhir_endpoint::prepare(const std::shared_ptr<exchange>& e) {
  ++e->attempts;
  look(e, [&](const fhir::interaction_context& context) {
    auto prepared = e->batch ? e->batch->entry(context) : fhir::prepare(e->request, context);
    for (const auto& denial : prepared.denials)
      log_->warning("endpoint", "access denied", {.identity = e->who.name()}, {{"path", e->request.path}, {"reason", denial}});
    if (auto* batch = prepared.if_batch()) {
      e->batch = std::move(*batch);
      return next_entry(e);
    }
    if (const auto* reply = prepared.if_reply()) {
      // What could not be read while the store is opened again can be in a moment.
      if (reply->status == 500 && !store_->status().writable) return unavailable(e);
      return finish(e, *reply);
    }
    check_externals(e, std::move(*prepared.if_pending()), 0);
  });
}

void fhir_endpoint::next_entry(const std::shared_ptr<exchange>& e) {
  e->attempts = 0;
  e->alone = false;
  work_->run([this, e] { prepare(e); });
}

void fhir_endpoint::check_externals(const std::shared_ptr<exchange>& e, fhir::pending_commit pending, std::size_t next) {
  if (next >= pending.external_checks.size()) return submit(e, std::move(pending));
  const auto url = pending.external_checks[next].url();
  head_(url, [this, e, next, pending = std::move(pending)](int status) mutable {
    // The answer arrives on a thread of the client; what follows may read the store.
    work_->run([this, e, next, status, pending = std::move(pending)]() mutable {
      look(e, [&](const fhir::interaction_context& context) {
        if (auto bad = fhir::external_reference_reply(pending.external_checks[next], status, e->request, context))
          return finish(e, std::move(*bad));
        check_externals(e, std::move(pending), next + 1);
      });
    });
  });
}

void fhir_endpoint::submit(const std::shared_ptr<exchange>& e, fhir::pending_commit pending) {
  if (std::ranges::any_of(pending.writes.writes, &fhir::resource_write::requested_task) && store_->status().low_space &&
      starts_new_work(pending)) {
    log_->warning("endpoint", "a Task was refused: the disk is nearly full", {.identity = e->who.name()});
    return finish(e, fhir::unavailable_reply(e->request, options_.config,
                                             "This site has little room on its disk: it finishes what runs and starts nothing new",
                                             low_space_retry_after_s));
  }
  storage::commit c;
  for (const auto& w : pending.writes.writes)
    if (w.requested_task && options_.inbox) c.operations.push_back(storage::put_inbox{encode_inbox({inbox_kind::task, w.id.to_string()})});
  if (e->more) e->more(c, pending.writes);
  if (options_.on_notable_write) e->notable = notable_writes(pending.writes);
  storage::append(c, std::move(pending.writes));
  std::vector<base::uuid> purged;
  for (const auto& operation : c.operations)
    if (const auto* purge = std::get_if<storage::purge_resource>(&operation); purge && purge->type == "Binary") purged.push_back(purge->id);
  if (auto named = name_blob(e, c); !named) return finish(e, no_room_for_bytes(e->request, named.error()));
  store_->submit(std::move(c),
                 [this, e, purged = std::move(purged), after = std::move(pending.after)](storage::result<storage::receipt> receipt) {
                   if (receipt) {
                     if (e->upload) e->upload->committed();
                     for (const auto id : purged) work_->run([this, id] { sweep_blobs(id); });
                     caches_->written(receipt->written);
                     tell_notable(*e, receipt->written);
                     return finish(e, after(receipt->written));
                   }
                   refused(e, receipt.error());
                 });
}

void fhir_endpoint::tell_notable(exchange& e, std::span<const fhir::written> written) const {
  for (auto& n : e.notable) {
    for (const auto& w : written)
      if (w.id == n.id && w.type == n.type) n.version = w.version;
    options_.on_notable_write(e.who, e.peer.get(), n);
  }
}

// A Binary's row says where its bytes are: those that came with this request, or, when only its elements were patched, those it had.
base::result<void> fhir_endpoint::name_blob(const std::shared_ptr<exchange>& e, storage::commit& c) {
  const bool patched = e->request.method == fhir::http_method::patch && e->type == "Binary";
  if (!e->upload && !patched) return {};
  for (auto& operation : c.operations) {
    auto* put = std::get_if<storage::put_resource>(&operation);
    if (!put || put->type != "Binary") continue;
    if (e->upload) {
      TRY(e->upload->keep(put->id));
      put->aside = e->upload->blob()->to_bytes();
    } else if (const auto view = store_->view()) {
      const auto before = TRY(view->current("Binary", put->id));
      const auto blob = before ? TRY(view->blob_of(put->id, before->version)) : std::nullopt;
      const auto next = TRY(base::json::parse(put->body));
      if (blob && !next.find("data")) put->aside = blob->to_bytes();
    }
  }
  return {};
}

void fhir_endpoint::sweep_blobs(std::optional<base::uuid> of) {
  auto* blobs = store_->blobs();
  if (!blobs) return;
  const auto removed = blobs->sweep([this] { return store_->view(); }, of);
  // The next sweep tries again.
  if (!removed) log_->warning("endpoint", "files of Binaries could not be looked through", {}, {{"error", removed.error().to_string()}});
  if (removed && *removed > 0)
    log_->info("endpoint", "files of Binaries that are gone were removed", {}, {{"files", static_cast<std::uint64_t>(*removed)}});
}

// A requested Task that is not for a running instance. docs/design.md, decision 18: running work is finished, new work waits for room.
bool fhir_endpoint::starts_new_work(const fhir::pending_commit& pending) const {
  const auto view = store_->view();
  return std::ranges::any_of(pending.writes.writes, [&](const fhir::resource_write& w) {
    if (!w.requested_task) return false;
    const auto task = base::json::parse(w.body.bytes);
    if (!task || !view) return true;
    const auto facts = facts_of(*task);
    if (!facts.process || facts.business_key.empty()) return true;
    const auto instance =
        view->row_value(storage::table::business_key,
                        storage::keys::business_key(0, facts.process->key + "|" + facts.process->version, facts.business_key));
    return !instance || !*instance;
  });
}

void fhir_endpoint::unavailable(const std::shared_ptr<exchange>& e) {
  const auto why = store_->status().why_not_in_short;
  finish(e, fhir::unavailable_reply(e->request, options_.config,
                                    "This site's store takes no writes just now" + (why.empty() ? std::string() : ": " + why),
                                    read_only_retry_after_s));
}

void fhir_endpoint::refused(const std::shared_ptr<exchange>& e, const base::error& why) {
  if (why.kind() == base::error_kind::conflict) {
    if (why.is(storage::errc::row_conflict)) return finish(e, plain(409));
    // Prepare again on a newer snapshot; after three conflicts alone among the writers of the type.
    if (e->attempts < 3) return work_->run([this, e] { prepare(e); });
    if (!e->alone) {
      e->alone = true;
      return alone_(std::string(e->writes_type()), [this, e](std::function<void()> release) {
        e->release = std::move(release);
        work_->run([this, e] { prepare(e); });
      });
    }
    work_->run([this, e, why] {
      look(e, [&](const fhir::interaction_context& context) {
        const auto kind = why.is(storage::errc::unique_conflict)    ? fhir::commit_conflict::duplicate
                          : why.is(storage::errc::version_conflict) ? fhir::commit_conflict::version
                                                                    : fhir::commit_conflict::changed;
        finish(e, fhir::conflict_reply(kind, e->request, context, e->writes_type()));
      });
    });
    return;
  }
  // The store has said why, once.
  if (why.kind() == base::error_kind::unavailable) return unavailable(e);
  log_->error("endpoint", "a commit was refused", {.identity = e->who.name()}, {{"path", e->request.path}, {"error", why.to_string()}});
  if (why.kind() == base::error_kind::overloaded)
    return finish(e, fhir::unavailable_reply(e->request, options_.config, "Too many changes wait to be written; send the request again",
                                             read_only_retry_after_s));
  finish(e, plain(500));
}

void fhir_endpoint::finish(const std::shared_ptr<exchange>& e, fhir::reply r) {
  if (e->release) std::exchange(e->release, nullptr)();
  if (e->batch) {
    if (e->batch->ended(r)) return next_entry(e);
    r = std::exchange(e->batch, nullptr)->answer();
  }
  if (e->done) std::exchange(e->done, nullptr)(std::move(r));
}

}  // namespace dsf::actors
