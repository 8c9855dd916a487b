#include <fmt/format.h>
#include <openssl/evp.h>

#include <unordered_map>

#include "base/bytes.hpp"
#include "bpmn/model.hpp"
#include "bpmn/reader_process.hpp"
#include "bpmn/reader_tables.hpp"

namespace dsf::bpmn {
namespace {

base::result<std::string> sha256_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    return base::fail(errc::bug, "SHA-256 is not available");
  return base::to_hex({reinterpret_cast<const char*>(digest), length});
}

// Ids are unique in the whole file (xs:ID); diagrams are not looked at. Walks without recursion.
base::result<> check_ids(const element& definitions) {
  std::unordered_map<std::string, int> seen;
  std::vector<element> open{definitions};
  while (!open.empty()) {
    const auto e = open.back();
    open.pop_back();
    const auto id = e.id();
    if (!id.empty()) {
      const auto [it, added] = seen.emplace(id, e.line());
      if (!added) return e.fail(errc::bad_model, fmt::format("id {} is used twice, in lines {} and {}", id, it->second, e.line()));
    }
    const auto children = e.children();
    for (auto c = children.rbegin(); c != children.rend(); ++c) {
      if (c->space() == xml_space::bpmn && !c->is("extensionElements")) open.push_back(*c);
    }
  }
  return {};
}

}  // namespace

base::result<std::vector<std::shared_ptr<const definition>>> read_bpmn(std::string_view xml, std::string_view file_name,
                                                                       const read_options& options) {
  const auto file = TRY(xml_file::load(xml, file_name, options));
  const auto root = file->root();
  if (!root.is("definitions"))
    return root.fail(errc::bad_model, "the root element is not bpmn:definitions of http://www.omg.org/spec/BPMN/20100524/MODEL");
  TRY(check_element(root));
  TRY(check_ids(root));
  const auto roots = TRY(read_roots(root));
  const auto hash = TRY(sha256_hex(xml));
  std::vector<std::shared_ptr<const definition>> out;
  for (const auto& c : root.children()) {
    if (!c.is("process")) continue;
    auto d = TRY(read_process(c, roots, options));
    d.sha256 = hash;
    out.push_back(std::make_shared<const definition>(std::move(d)));
  }
  if (out.empty()) return root.fail(errc::bad_model, "the file has no bpmn:process");
  return out;
}

}  // namespace dsf::bpmn
