#include "plugins/workers/stream_impl.hpp"

namespace dsf::plugins::workers {

stream* stream::open(std::shared_ptr<dispatcher> to, grpc::CallbackServerContext* context, worker_identity who) {
  std::shared_ptr<stream> s{new stream(std::move(to), context, std::move(who))};
  s->self_ = s;
  s->StartRead(&s->in_);
  return s.get();
}

void stream::send(std::shared_ptr<const pb::ToWorker> message) {
  const pb::ToWorker* next = nullptr;
  {
    const std::lock_guard lock{mutex_};
    if (finished_ || closing_) return;
    out_.push_back(std::move(message));
    if (writing_) return;
    writing_ = true;
    next = out_.front().get();
  }
  StartWrite(next);
}

void stream::close(bool now) {
  std::unique_lock lock{mutex_};
  closing_ = true;
  // Who does not read would keep the end from being sent.
  if (now && !finished_) {
    out_.resize(writing_ ? 1 : 0);
    context_->TryCancel();  // under the lock: without it the end may come meanwhile, and the context go. Reactions run on other threads
    return;
  }
  finish_if_done(std::move(lock));
}

void stream::finish_if_done(std::unique_lock<std::mutex> lock) {
  if (finished_ || !closing_ || writing_ || !out_.empty()) return;
  finished_ = true;
  lock.unlock();
  Finish(grpc::Status::OK);
}

void stream::OnReadDone(bool ok) {
  if (!ok) return gone();
  if (!greeted_)
    first();
  else
    to_->received(session_, std::move(in_));
  in_.Clear();
  StartRead(&in_);
}

void stream::first() {
  greeted_ = true;
  if (in_.has_hello()) {
    session_ = to_->open(in_.hello(), who_, shared_from_this());
    return;
  }
  auto answer = std::make_shared<pb::ToWorker>();
  answer->mutable_refused()->set_code("message");
  answer->mutable_refused()->set_reason("the first message of a worker is hello");
  send(std::move(answer));
  close(false);
}

// The worker has closed its direction, or the connection is lost.
void stream::gone() {
  {
    const std::lock_guard lock{mutex_};
    if (std::exchange(gone_, true)) return;
  }
  if (session_ != 0) to_->closed(session_);
  close(false);
}

void stream::OnWriteDone(bool ok) {
  std::unique_lock lock{mutex_};
  writing_ = false;
  out_.pop_front();
  if (!ok) {  // nothing more can be sent
    out_.clear();
    closing_ = true;
  }
  if (!out_.empty()) {
    writing_ = true;
    const auto* next = out_.front().get();
    lock.unlock();
    StartWrite(next);
    return;
  }
  finish_if_done(std::move(lock));
}

void stream::OnCancel() {
  std::unique_lock lock{mutex_};
  closing_ = true;
  finish_if_done(std::move(lock));
}

void stream::OnDone() { const auto last = std::move(self_); }

}  // namespace dsf::plugins::workers
