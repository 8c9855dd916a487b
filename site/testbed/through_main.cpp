#include "site/testbed/through_main.hpp"

#include <chrono>
#include <future>

#include "plugins/outside.hpp"

namespace dsf::site {
namespace {

using base::json;
using base::result;

class passage final : public plugins::remote_attempt, public plugins::remote_call, public std::enable_shared_from_this<passage> {
public:
  passage(std::shared_ptr<plugins::remote_attempt> engine, main_thread& main, open_attempts& open, std::string what)
      : engine_(std::move(engine)), main_(main), open_(open), number_(open.add(std::move(what))) {}

  void begin(const plugins::remote_handler& start, plugins::activation a) { call_ = start(std::move(a), shared_from_this()); }

  base::timestamp begins() override { return engine_->begins(); }
  void ended(plugins::outcome result) override {
    main_.post([self = shared_from_this(), result = std::move(result)]() mutable {
      if (self->open_.remove(self->number_)) self->engine_->ended(std::move(result));
    });
  }
  // On the main thread.
  void cancel(plugins::cancel_reason why) override {
    if (why != plugins::cancel_reason::interrupted) open_.remove(number_);
    if (call_) call_->cancel(why);
  }

private:
  const std::shared_ptr<plugins::remote_attempt> engine_;
  main_thread& main_;
  open_attempts& open_;
  const std::uint64_t number_;
  std::shared_ptr<plugins::remote_call> call_;
};

class beside_main final : public plugins::services, public plugins::outside_services {
public:
  beside_main(std::unique_ptr<plugins::services> site, main_thread& main) : site_(std::move(site)), main_(main) {}

  plugins::member local() const override { return site_->local(); }
  result<std::vector<plugins::member>> members() override { return site_->members(); }
  result<std::vector<plugins::member>> members(std::string_view parent, std::string_view role) override {
    return site_->members(parent, role);
  }
  result<std::vector<std::string>> parents_of(std::string_view organization, std::string_view role) override {
    return site_->parents_of(organization, role);
  }
  plugins::fhir_client& local_endpoint() override { return site_->local_endpoint(); }
  std::shared_ptr<plugins::fhir_client> endpoint(std::string_view url) override { return site_->endpoint(url); }
  result<std::shared_ptr<plugins::fhir_client>> store(std::string_view name) override { return site_->store(name); }
  result<std::shared_ptr<plugins::fhir_client>> connection(std::string_view name) override {
    return plugins::outside_of(*site_)->connection(name);
  }
  result<std::string> send_mail(const plugins::mail& m) override { return plugins::outside_of(*site_)->send_mail(m); }
  result<std::uint64_t> cohort_count(const json& ccdl) override { return site_->cohort_count(ccdl); }
  std::string setting(std::string_view name) const override { return site_->setting(name); }
  json process_configuration(std::string_view key) const override { return site_->process_configuration(key); }
  result<std::string> update_state(std::string_view name, const std::function<std::string(const std::string&)>& change) override {
    std::promise<result<std::string>> promise;
    auto answer = promise.get_future();
    main_.post([&] { promise.set_value(site_->update_state(name, change)); });
    return answer.get();
  }
  base::timestamp now() const override { return site_->now(); }
  double uniform() override { return site_->uniform(); }
  std::string new_uuid() override { return site_->new_uuid(); }
  const base::logger& log() const override { return site_->log(); }
  base::log_context log_context() const override { return site_->log_context(); }

private:
  const std::unique_ptr<plugins::services> site_;
  main_thread& main_;
};

}  // namespace

void main_thread::post(std::function<void()> what) {
  {
    const std::lock_guard lock{mutex_};
    posted_.push_back(std::move(what));
  }
  changed_.notify_one();
}

bool main_thread::run_one() {
  std::function<void()> next;
  {
    const std::lock_guard lock{mutex_};
    if (posted_.empty()) return false;
    next = std::move(posted_.front());
    posted_.pop_front();
  }
  next();
  return true;
}

void main_thread::wait_us(std::int64_t at_most) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, std::chrono::microseconds(at_most), [&] { return !posted_.empty(); });
}

std::uint64_t open_attempts::add(std::string what) {
  const std::lock_guard lock{mutex_};
  open_.emplace(++last_, std::move(what));
  return last_;
}

bool open_attempts::remove(std::uint64_t number) {
  const std::lock_guard lock{mutex_};
  return open_.erase(number) == 1;
}

bool open_attempts::none() const {
  const std::lock_guard lock{mutex_};
  return open_.empty();
}

std::vector<std::string> open_attempts::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> out;
  for (const auto& [number, what] : open_) out.push_back(what);
  return out;
}

plugins::remote_handler through_main(const plugins::handler_registry& workers, main_thread& main, open_attempts& open) {
  return [&workers, &main, &open](plugins::activation a, std::shared_ptr<plugins::remote_attempt> attempt) {
    const auto* entry = workers.find(a.process_key, a.version_tag, a.class_name);
    auto p = std::make_shared<passage>(std::move(attempt), main, open, a.class_name + " at " + a.activity_id);
    if (entry && entry->start)
      p->begin(entry->start, std::move(a));
    else
      p->ended(plugins::failed{"process " + a.process_key + " belongs to no worker", false});
    return p;
  };
}

std::unique_ptr<plugins::services> services_beside_main(std::unique_ptr<plugins::services> site, main_thread& main) {
  return std::make_unique<beside_main>(std::move(site), main);
}

}  // namespace dsf::site
