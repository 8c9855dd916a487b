// The pages of section 7 between a browser and the FHIR endpoint: they ask the endpoint as the caller does, with the caller's identity, and show
// what it answers. Nothing is shown or done here that the endpoint would not.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/entropy.hpp"
#include "base/json.hpp"
#include "fhir/semantics/identity.hpp"
#include "net/http.hpp"
#include "web/frame.hpp"
#include "web/task_form.hpp"

namespace dsf::site {

struct pages_options {
  std::string base_url;  // "https://host/fhir"; forms are taken only from pages of its origin
  std::string site;  // the site's name
  web::environment kind = web::environment::none;
  std::string environment_name;
};

class pages {
public:
  // Who a caller is; nothing: nobody the site knows.
  using identify = std::function<std::optional<fhir::identity>(const net::peer&)>;

  pages(pages_options options, net::handler endpoint, identify who, std::function<void(std::function<void()>)> run, const base::clock& time,
        base::entropy& entropy);

  // A browser that wants to see something (Accept or _format, dsf-fhir-server 3.1), a form of ours, or one of the pages' files.
  [[nodiscard]] bool takes(const net::request& r) const;
  // Style sheet, script and icon: whoever may connect gets them, so that an error's page looks like one.
  [[nodiscard]] bool takes_as_file(const net::request& r) const;
  // Of a request that it takes, whose caller is known.
  void handle(net::request&& r, net::responder answer);
  // For answers without a body, from before the endpoint: what a browser shows then. Any other request's answer stays as it is.
  [[nodiscard]] net::responder explained(const net::request& r, net::responder answer) const;

private:
  struct visit;
  using told = std::function<void(int status, const net::header_list& headers, base::json body)>;
  [[nodiscard]] std::string_view below_base(const net::request& r) const;
  [[nodiscard]] web::visitor visitor_of(const net::request& r) const;
  void ask(const std::shared_ptr<visit>& v, std::string method, const std::string& below, net::header_list headers, std::string body,
           told then);
  void show(const std::shared_ptr<visit>& v);
  void show_draft(const std::shared_ptr<visit>& v, base::json draft, web::problems wrong, int status = 200);
  void show_questions(const std::shared_ptr<visit>& v, base::json response, web::problems wrong, int status = 200);
  void submit(const std::shared_ptr<visit>& v);
  void create_task(const std::shared_ptr<visit>& v, base::json draft, base::json profile);
  void complete(const std::shared_ptr<visit>& v, base::json response, base::json questionnaire);
  void profile_of(const std::shared_ptr<visit>& v, const std::string& type, const std::string& canonical,
                  std::function<void(base::json)> then);
  void asset(const net::request& r, net::responder answer) const;
  [[nodiscard]] std::string seal_of(const net::peer& who, const std::string& path) const;
  [[nodiscard]] bool is_own_form(const net::request& r) const;
  [[nodiscard]] web::sender sender_of(const fhir::identity& who) const;
  [[nodiscard]] std::string now_text() const;

  pages_options options_;
  std::string base_path_;
  std::string origin_;  // "https://host:8443"
  std::string key_;  // of the forms' tokens; of this run
  net::handler endpoint_;
  identify who_;
  std::function<void(std::function<void()>)> run_;
  const base::clock* clock_;
};

}  // namespace dsf::site
