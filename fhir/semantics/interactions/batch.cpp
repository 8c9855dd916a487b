#include "fhir/semantics/batch.hpp"

#include <algorithm>

#include "base/mutant.hpp"
#include "fhir/semantics/interactions/bundle_run.hpp"

namespace dsf::fhir {
namespace {

class batch final : public batch_work {
public:
  batch(answerer answer, std::vector<bundle_entry> entries) : answer_(std::move(answer)), entries_(std::move(entries)) {
    texts_.resize(entries_.size());
    // The order of work is that of a transaction; the enumerators stand in it, and HEAD runs with GET.
    const auto rank = [](const bundle_entry& e) { return std::min(e.method, entry_method::get); };
    std::ranges::stable_sort(entries_, {}, rank);
  }

  prepared entry(const interaction_context& context) override {
    const auto& e = entries_.at(next_);
    slot_ = std::make_shared<outcome>();
    auto plan = plan_entries(context, answer_, {e}, temporary_);
    if (!plan) return answer_.stop(std::move(plan).error());
    slot_->temporary = std::move(plan->temporary);
    pending_commit out;
    out.writes = std::move(plan->writes);
    out.external_checks = std::move(plan->external);
    out.after = [slot = slot_, told = std::move(plan->answers.at(e.index)), answer = answer_,
                 config = context.config](const std::vector<written>& commits) {
      slot->text = entry_text(told, answer, config, commits);
      return answer.empty(200);
    };
    if (out.writes.writes.empty()) return {out.after({}), {}};
    return {std::move(out), {}};
  }

  std::string_view type() const override { return entries_.at(next_).type; }

  bool ended(const reply& r) override {
    auto& text = texts_.at(entries_.at(next_).index);
    if (slot_ && !slot_->text.empty()) {
      text = std::move(slot_->text);
      if (!DSF_MUTANT("fhir.batch_forgets_temporary_ids")) temporary_ = std::move(slot_->temporary);
    } else {
      text = failed_entry_text(r);
    }
    slot_.reset();
    return ++next_ < entries_.size();
  }

  reply answer() const override { return bundle_reply("batch-response", texts_, answer_); }

private:
  struct outcome {
    std::string text;  // empty: not committed
    temporary_ids temporary;
  };
  answerer answer_;
  std::vector<bundle_entry> entries_;  // in order of work
  std::vector<std::string> texts_;     // in order of the request
  temporary_ids temporary_;
  std::size_t next_ = 0;
  std::shared_ptr<outcome> slot_;
};

}  // namespace

std::shared_ptr<batch_work> start_batch(const answerer& answer, std::vector<bundle_entry> entries) {
  return std::make_shared<batch>(answer, std::move(entries));
}

}  // namespace dsf::fhir
