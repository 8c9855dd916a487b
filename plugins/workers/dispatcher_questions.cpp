// Questions of expressions over an object that only a worker understands (docs/design.md, decision 6).
#include <algorithm>

#include "plugins/worker_codec_impl.hpp"
#include "plugins/workers/dispatcher_parts_impl.hpp"
#include "plugins/workers/errc.hpp"

namespace dsf::plugins::workers {

// The session that has the instance, else the one of the same plugin with the least to do.
dispatcher::session* dispatcher::home_of_questions(const question_origin& from) {
  const auto knows = [&](const session& s) {
    return std::ranges::any_of(s.claims, [&](const auto& claim) { return claim.starts_with(from.process_key + "|"); });
  };
  if (const auto home = homes_.find(from.instance_id); home != homes_.end())
    if (const auto at = sessions_.find(home->second); at != sessions_.end() && knows(*at->second)) return at->second.get();
  session* found = nullptr;
  for (auto& [number, s] : sessions_)
    if (!s->draining && knows(*s) && (!found || s->held.size() < found->held.size())) found = s.get();
  return found;
}

void dispatcher::ask(const question_origin& from, const std::vector<bpmn::el::question>& questions, answers_callback done) {
  turn t{*this};
  auto whole = std::make_shared<inquiry>();
  whole->done = std::move(done);
  auto* s = home_of_questions(from);
  if (!s)
    return t.fail(*whole, {errc::no_worker,
                           "no worker is connected that could evaluate " + questions.front().text + " for process " + from.process_key});
  whole->missing = questions.size();
  for (const auto& q : questions) {
    whole->answers.push_back({q.text, {}});
    auto message = std::make_shared<pb::ToWorker>();
    auto& out = *message->mutable_question();
    out.set_question_id(++s->last_question);
    out.set_process_key(from.process_key);
    out.set_version_tag(from.version_tag);
    out.set_instance_id(from.instance_id);
    out.set_text(q.text);
    to_proto(q.object, *out.mutable_object());
    out.set_member(q.member);
    out.set_is_method(q.is_method);
    for (const auto& a : q.arguments) to_proto(a, *out.add_arguments());
    s->questions.emplace(s->last_question, open_question{whole, whole->answers.size() - 1, clock_.steady_us() + options_.lease_us});
    s->port->send(std::move(message));
  }
}

void dispatcher::answer_of(turn& t, session& s, pb::Answer&& message) {
  const auto at = s.questions.find(message.question_id());
  if (at == s.questions.end()) return;  // too late
  const auto open = std::move(at->second);
  s.questions.erase(at);
  auto& whole = *open.of;
  if (!whole.done) return;  // another one has failed
  const auto& text = whole.answers[open.place].text;
  if (message.kind_case() != pb::Answer::kValue) {
    auto why = message.error().empty() ? "no value" : message.error();
    return t.fail(whole, {errc::no_answer, "worker " + s.worker + " could not evaluate " + text + ": " + why});
  }
  auto value = from_proto(std::move(*message.mutable_value()));
  if (!value) return t.fail(whole, std::move(value).error());
  whole.answers[open.place].result = std::move(*value);
  if (--whole.missing == 0) t.answer(whole);
}

}  // namespace dsf::plugins::workers
