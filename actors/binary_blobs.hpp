// Binaries whose bytes are too many for a row: on their way into a blob as a request's body, and out of it as an answer's (dsf-fhir-server 3.10,
// docs/decisions/blobs.md). Constant memory, whatever their size.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/binary_data.hpp"
#include "actors/work_pool.hpp"
#include "fhir/semantics/interaction.hpp"
#include "net/http.hpp"
#include "storage/blobs/blob_store.hpp"
#include "storage/store.hpp"

namespace dsf::actors {

// More bytes than this become a blob.
inline constexpr std::size_t blob_from_bytes = 256 << 10;

// A body of bytes. Up to blob_from_bytes they stay in memory and become part of the resource, as ever.
class binary_upload final : public net::body_sink, public std::enable_shared_from_this<binary_upload> {
public:
  // `refuse`: the answer when the disk takes no more, or the text is not what it should be. `of`: the body is a Binary in FHIR JSON or XML, and its data
  // is what goes to the blob. All outlive this.
  binary_upload(storage::blob_store& blobs, work_pool& work, std::function<net::response(const base::error&)> refuse,
                std::optional<binary_data> of = {});
  ~binary_upload() override;
  void take(std::string piece, std::function<void(std::shared_ptr<net::response>)> done) override;

  // The same on this thread; may block.
  base::result<void> take_here(std::string_view piece);

  // After the last piece; may block. Nothing: the body was short, and is in `rest`; else `rest` is the resource without its data, or empty.
  base::result<std::optional<storage::blob>> finish(std::string& rest);
  [[nodiscard]] bool is_resource() const { return of_.has_value(); }
  // Once finish() gave a blob: names it for the resource, durable; may block.
  base::result<void> keep(base::uuid owner);
  [[nodiscard]] const std::optional<storage::blob>& blob() const { return blob_; }
  // The commit that refers to the blob is in. Without this the blob goes with this object.
  void committed();

private:
  base::result<void> append(std::string_view piece);
  base::result<void> write(std::string_view piece);
  storage::blob_store* blobs_;
  work_pool* work_;
  std::function<net::response(const base::error&)> refuse_;
  std::optional<binary_data> of_;
  std::string few_;
  std::unique_ptr<storage::blob_writer> writer_;
  std::optional<storage::blob> blob_;
  bool committed_ = false;
};

// `length` bytes of the blob from `first` on.
std::shared_ptr<net::body_source> bytes_of_blob(std::shared_ptr<storage::blob_reader> from, std::uint64_t first, std::uint64_t length,
                                                work_pool& work);
// A text with the whole blob in Base64 between its two halves.
std::shared_ptr<net::body_source> base64_of_blob(std::string before, std::shared_ptr<storage::blob_reader> from, std::string behind,
                                                 work_pool& work);

// The answer that says a Binary as a resource, with the blob's bytes as its data.
net::response render_with_blob(fhir::reply reply, std::shared_ptr<storage::blob_reader> from, work_pool& work);

// The blob of a Binary that is answered as stored; null if it has none.
base::result<std::shared_ptr<storage::blob_reader>> blob_of_reply(const fhir::reply& reply, const storage::store& store);

}  // namespace dsf::actors
