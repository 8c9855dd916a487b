#include "plugins/endpoint_client.hpp"

#include "base/uuid.hpp"
#include "plugins/binaries.hpp"
#include "plugins/errc.hpp"

namespace dsf::plugins {
namespace {

using base::fail;
using base::json;
using base::result;

// By which the endpoint knows a resource that is created again.
constexpr std::string_view identifier_system = "https://dsfd.invalid/sid/creation";
// Of a journal row: a resource, or the identifier under which one is about to be made.
constexpr char made = '\1', intended = '\2';

class endpoint_client final : public fhir_client, public binary_client {
public:
  endpoint_client(std::unique_ptr<fhir_client> remote, storage::store& store, base::entropy& entropy, std::uint64_t instance)
      : remote_(std::move(remote)), store_(store), entropy_(entropy), instance_(instance) {}

  result<json> read(std::string_view type, std::string_view id, std::uint64_t version) override { return remote_->read(type, id, version); }
  result<json> search(std::string_view query) override { return remote_->search(query); }
  result<json> transaction(const json& bundle) override { return remote_->transaction(bundle); }

  // Intent, creation on condition that nothing has its identifier, result: a crash in between finds the identifier again.
  result<json> create(const json& resource, std::string_view key) override {
    const auto type = resource["resourceType"].str();
    const auto row = storage::keys::journal(instance_, key);
    const auto view = store_.view();
    if (!view) return fail(storage::errc::closed, "the store is closed");
    auto found = TRY(view->row_value(storage::table::journal, row));
    if (found && found->starts_with(made)) return read(type, found->substr(1), 0);
    if (!found) {
      found = intended + base::uuid::random(entropy_).to_string();
      TRY(put(row, *found));
    }
    auto body = resource;
    if (body["identifier"].is_null()) {
      json identifier;
      identifier.set("system", identifier_system);
      identifier.set("value", found->substr(1));
      // dsf-fhir-server 1.4: these two have one, the others a list.
      if (type == "Bundle" || type == "QuestionnaireResponse") {
        body.set("identifier", std::move(identifier));
      } else {
        json list;
        list.push_back(std::move(identifier));
        body.set("identifier", std::move(list));
      }
    }
    auto created = TRY(remote_->create(body, key));
    TRY(put(row, made + created["id"].str()));
    return created;
  }

  // Bytes have no identifier by which they could be found again: a crash between these two leaves a Binary that nobody knows.
  result<std::string> create_binary(const binary_upload& what) override {
    const auto row = storage::keys::journal(instance_, what.key);
    const auto view = store_.view();
    if (!view) return fail(storage::errc::closed, "the store is closed");
    const auto found = TRY(view->row_value(storage::table::journal, row));
    if (found && found->starts_with(made)) return found->substr(1);
    auto id = TRY(TRY(binaries())->create_binary(what));
    TRY(put(row, made + id));
    return id;
  }
  result<binary_download> read_binary(std::string_view id, const byte_sink& to) override { return TRY(binaries())->read_binary(id, to); }
  result<> remove_binary(std::string_view id) override { return TRY(binaries())->remove_binary(id); }

private:
  result<binary_client*> binaries() {
    if (auto* out = binaries_of(*remote_)) return out;
    return fail(errc::not_configured, "this FHIR client can't transfer Binaries as bytes");
  }
  result<> put(const std::string& row, std::string value) {
    storage::commit c;
    c.operations.push_back(storage::put_row{storage::table::journal, row, std::move(value)});
    TRY(store_.submit_wait(std::move(c)));
    return {};
  }
  std::unique_ptr<fhir_client> remote_;
  storage::store& store_;
  base::entropy& entropy_;
  std::uint64_t instance_;
};

}  // namespace

std::unique_ptr<fhir_client> make_endpoint_client(net::transport& transport, remote_options options, storage::store& store,
                                                  base::entropy& entropy, std::uint64_t instance, patience with) {
  return std::make_unique<endpoint_client>(make_patient_client(make_remote_client(transport, std::move(options)), std::move(with)), store,
                                           entropy, instance);
}

}  // namespace dsf::plugins
