#include "actors/binary_blobs.hpp"

#include <algorithm>
#include <utility>

#include "actors/fhir_endpoint.hpp"
#include "base/bytes.hpp"
#include "base/json.hpp"

namespace dsf::actors {
namespace {

// A multiple of three, so that only the last piece of a Base64 text is padded.
constexpr std::size_t piece_bytes = 192 << 10;

// Stands for the data in a resource that is rendered around it: Base64 that no blob of a sane size begins with.
constexpr std::string_view stand_in = "dsfdBlobStandsHereInItsPlace0000";

class blob_source final : public net::body_source, public std::enable_shared_from_this<blob_source> {
public:
  blob_source(std::string before, std::shared_ptr<storage::blob_reader> from, std::uint64_t first, std::uint64_t length, bool base64,
              std::string behind, work_pool& work)
      : before_(std::move(before)),
        behind_(std::move(behind)),
        from_(std::move(from)),
        at_(first),
        end_(first + length),
        base64_(base64),
        work_(&work) {
    size_ = before_.size() + (base64_ ? (length + 2) / 3 * 4 : length) + behind_.size();
  }
  std::uint64_t size() const override { return size_; }
  void next(std::function<void(base::result<std::string>)> done) override {
    if (!before_.empty()) return done(std::exchange(before_, {}));
    if (at_ == end_) return done(std::exchange(behind_, {}));
    work_->run([self = shared_from_this(), done = std::move(done)] { done(self->read()); });
  }

private:
  base::result<std::string> read() {
    auto bytes = TRY(from_->read(at_, static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, end_ - at_))));
    at_ += bytes.size();
    return base64_ ? base::to_base64(bytes) : std::move(bytes);
  }
  std::string before_, behind_;
  std::shared_ptr<storage::blob_reader> from_;
  std::uint64_t at_, end_, size_ = 0;
  bool base64_;
  work_pool* work_;
};

}  // namespace

binary_upload::binary_upload(storage::blob_store& blobs, work_pool& work, std::function<net::response(const base::error&)> refuse,
                             std::optional<binary_data> of)
    : blobs_(&blobs), work_(&work), refuse_(std::move(refuse)), of_(std::move(of)) {}

binary_upload::~binary_upload() {
  if (blob_ && !committed_) blobs_->dropped(*blob_);
}

void binary_upload::take(std::string piece, std::function<void(std::shared_ptr<net::response>)> done) {
  if (!writer_ && few_.size() + piece.size() <= blob_from_bytes) {
    few_ += piece;
    return done(nullptr);
  }
  // No other piece comes before this one is done.
  work_->run([self = shared_from_this(), piece = std::move(piece), done = std::move(done)] {
    const auto taken = self->append(piece);
    done(taken ? nullptr : std::make_shared<net::response>(self->refuse_(taken.error())));
  });
}

base::result<void> binary_upload::take_here(std::string_view piece) {
  if (writer_ || few_.size() + piece.size() > blob_from_bytes) return append(piece);
  few_ += piece;
  return {};
}

base::result<void> binary_upload::append(std::string_view piece) {
  if (!writer_) {
    writer_ = TRY(blobs_->create());
    TRY(write(std::exchange(few_, {})));
  }
  return write(piece);
}

base::result<void> binary_upload::write(std::string_view piece) {
  if (!of_) return writer_->append(piece);
  std::string bytes;
  bytes.reserve(piece.size());
  TRY(of_->put(piece, bytes));
  return writer_->append(bytes);
}

base::result<std::optional<storage::blob>> binary_upload::finish(std::string& rest) {
  if (!writer_) {
    rest = std::exchange(few_, {});
    return std::optional<storage::blob>{};
  }
  if (of_) rest = TRY(of_->finish());
  blob_ = TRY(writer_->finish());
  writer_.reset();
  return blob_;
}

base::result<void> binary_upload::keep(base::uuid owner) { return blobs_->keep(*blob_, owner); }

void binary_upload::committed() {
  committed_ = true;
  blobs_->committed(*blob_);
}

std::shared_ptr<net::body_source> bytes_of_blob(std::shared_ptr<storage::blob_reader> from, std::uint64_t first, std::uint64_t length,
                                                work_pool& work) {
  return std::make_shared<blob_source>(std::string(), std::move(from), first, length, false, std::string(), work);
}

std::shared_ptr<net::body_source> base64_of_blob(std::string before, std::shared_ptr<storage::blob_reader> from, std::string behind,
                                                 work_pool& work) {
  const auto size = from->size();
  return std::make_shared<blob_source>(std::move(before), std::move(from), 0, size, true, std::move(behind), work);
}

net::response render_with_blob(fhir::reply reply, std::shared_ptr<storage::blob_reader> from, work_pool& work) {
  auto resource = base::json::parse(*std::get<std::shared_ptr<const std::string>>(reply.body));
  const bool head_only = std::exchange(reply.head_only, false);
  if (resource) {
    resource->set("data", stand_in);
    reply.body = *std::move(resource);
  }
  auto out = render(std::move(reply));
  const auto text = std::string(out.body.view());
  // A summary may have left the data out.
  const auto at = text.rfind(stand_in);
  if (at == text.npos) return out;
  out.body = net::body_bytes();
  auto source = base64_of_blob(text.substr(0, at), std::move(from), text.substr(at + stand_in.size()), work);
  if (head_only)
    out.headers.set("Content-Length", std::to_string(source->size()));
  else
    out.source = std::move(source);
  return out;
}

base::result<std::shared_ptr<storage::blob_reader>> blob_of_reply(const fhir::reply& reply, const storage::store& store) {
  const auto* stored = std::get_if<std::shared_ptr<const std::string>>(&reply.body);
  if (reply.status != 200 || !stored || !store.blobs()) return nullptr;
  const auto resource = TRY(base::json::parse(**stored));
  if (resource["resourceType"].str() != "Binary" || resource.find("data")) return nullptr;
  const auto id = TRY(base::uuid::parse(resource["id"].str()));
  const auto view = store.view();
  if (!view) return nullptr;
  const auto found = TRY(view->blob_of(id, std::strtoull(resource["meta"]["versionId"].str().c_str(), nullptr, 10)));
  if (!found) return nullptr;
  return std::shared_ptr<storage::blob_reader>(TRY(store.blobs()->read(*found, id)));
}

}  // namespace dsf::actors
