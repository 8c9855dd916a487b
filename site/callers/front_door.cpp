#include "site/callers/front_door.hpp"

#include "base/mutant.hpp"

namespace dsf::site {
namespace {

// dsf-fhir-server 2.1: rejections have no body.
net::response rejection(int status) {
  net::response r;
  r.status = status;
  return r;
}

}  // namespace

void front_door::enter(net::request&& r, net::responder answer, bool plain, const net::handler& next) {
  auto found = certificates_->look(r, plain);
  if (found.refused != 0) return answer(rejection(found.refused));
  r.peer = std::move(found.peer);
  // The rows of dsf-fhir-server 2.1, in their order.
  if (people_ && people_->takes_logout(r)) return people_->logout(std::move(r), std::move(answer));
  if (r.peer->has_certificate || DSF_MUTANT("callers.nobody_is_let_in")) return next(std::move(r), std::move(answer));
  if (people_) return people_->enter(std::move(r), std::move(answer), next);
  answer(rejection(403));
}

std::shared_ptr<const net::request> front_door::enter(const net::request& r, bool plain, net::response& refused) {
  auto copy = std::make_shared<net::request>(r);
  auto found = certificates_->look(*copy, plain);
  refused = rejection(found.refused != 0 ? found.refused : 403);
  if (found.refused != 0) return nullptr;
  copy->peer = std::move(found.peer);
  if (copy->peer->has_certificate) return copy;
  auto person = people_ ? people_->of_session(*copy) : nullptr;
  if (!person) return nullptr;
  copy->peer = std::move(person);
  return copy;
}

}  // namespace dsf::site
