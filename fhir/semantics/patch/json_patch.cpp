#include "fhir/semantics/patch/json_patch.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

namespace dsf::fhir {
namespace {

using base::json;
template <class T>
using outcome = std::expected<T, patch_fault>;

std::unexpected<patch_fault> broken(std::string text) { return std::unexpected(patch_fault{400, std::move(text)}); }
std::unexpected<patch_fault> refused(std::string text) { return std::unexpected(patch_fault{422, std::move(text)}); }

// RFC 6901, 4
std::optional<std::vector<std::string>> tokens_of(std::string_view pointer) {
  std::vector<std::string> out;
  if (pointer.empty()) return out;
  if (pointer[0] != '/') return {};
  for (const char c : pointer)
    if (c == '/')
      out.emplace_back();
    else
      out.back() += c;
  for (auto& t : out) {
    std::string plain;
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (t[i] != '~') {
        plain += t[i];
        continue;
      }
      if (++i == t.size() || (t[i] != '0' && t[i] != '1')) return {};
      plain += t[i] == '0' ? '~' : '/';
    }
    t = std::move(plain);
  }
  return out;
}

std::optional<std::size_t> index_of(const std::string& token) {
  std::size_t n = 0;
  const auto [end, ec] = std::from_chars(token.data(), token.data() + token.size(), n);
  if (token.empty() || ec != std::errc{} || end != token.data() + token.size() || (token.size() > 1 && token[0] == '0')) return {};
  return n;
}

json* child(json& of, const std::string& token) {
  if (of.is_object()) return of.find(token);
  auto* list = of.if_array();
  const auto n = list ? index_of(token) : std::nullopt;
  return n && *n < list->size() ? &(*list)[*n] : nullptr;
}

json* at(json& root, const std::vector<std::string>& path, std::size_t depth) {
  auto* here = &root;
  for (std::size_t i = 0; here && i < depth; ++i) here = child(*here, path[i]);
  return here;
}

// RFC 6902, 4.6: numbers by value, members in any order. Numbers of FHIR are compared as written.
bool equal(const json& a, const json& b) {
  std::vector<std::pair<const json*, const json*>> open{{&a, &b}};
  while (!open.empty()) {
    const auto [x, y] = open.back();
    open.pop_back();
    if (x->is_object() && y->is_object()) {
      if (x->size() != y->size()) return false;
      for (const auto& [name, value] : *x->if_object()) {
        const auto* other = y->find(name);
        if (!other) return false;
        open.emplace_back(&value, other);
      }
    } else if (x->is_array() && y->is_array()) {
      if (x->size() != y->size()) return false;
      for (std::size_t i = 0; i < x->size(); ++i) open.emplace_back(&(*x)[i], &(*y)[i]);
    } else if (x->dump() != y->dump()) {
      return false;
    }
  }
  return true;
}

class patcher {
public:
  patcher(json& root, const patch_limits& limits) : root_(root), copied_left_(limits.copied_bytes) {}

  outcome<void> apply(const json& operation) {
    const auto& op = operation["op"].str();
    const auto* path_text = operation["path"].if_string();
    const auto path = path_text ? tokens_of(*path_text) : std::nullopt;
    if (!path) return broken("path is missing or is no JSON pointer");
    const auto* value = operation.find("value");
    if (op == "add" || op == "replace" || op == "test") {
      if (!value) return broken(fmt::format("{} needs a value", op));
      if (op == "add") return add(*path, *value);
      auto* held = at(root_, *path, path->size());
      if (!held) return nothing_at(*path_text);
      if (op == "replace")
        *held = *value;
      else if (!equal(*held, *value))
        return refused(fmt::format("the test at {} failed", *path_text));
      return {};
    }
    if (op == "remove") {
      if (auto taken = remove(*path); !taken) return std::unexpected(std::move(taken).error());
      return {};
    }
    if (op != "move" && op != "copy") return broken(fmt::format("unknown op '{}'; use add, remove, replace, move, copy or test", op));
    const auto* from_text = operation["from"].if_string();
    const auto from = from_text ? tokens_of(*from_text) : std::nullopt;
    if (!from) return broken("from is missing or is no JSON pointer");
    auto* held = at(root_, *from, from->size());
    if (!held) return nothing_at(*from_text);
    if (op == "copy") {
      const auto size = held->dump().size();
      if (size > copied_left_) return refused("the patch copies too much");
      copied_left_ -= size;
      return add(*path, json(*held));
    }
    if (path->size() > from->size() && std::equal(from->begin(), from->end(), path->begin()))
      return refused("what is moved can't be moved into itself");
    auto taken = remove(*from);
    if (!taken) return std::unexpected(std::move(taken).error());
    return add(*path, std::move(*taken));
  }

private:
  static std::unexpected<patch_fault> nothing_at(std::string_view pointer) {
    return refused(fmt::format("there is nothing at '{}'", pointer));
  }
  static std::string shown(const std::vector<std::string>& path) {
    std::string out;
    for (const auto& t : path) out += "/" + t;
    return out;
  }

  outcome<void> add(const std::vector<std::string>& path, json value) {
    if (path.empty()) {
      root_ = std::move(value);
      return {};
    }
    auto* parent = at(root_, path, path.size() - 1);
    if (!parent) return nothing_at(shown(path));
    if (parent->is_object()) {
      parent->set(path.back(), std::move(value));
      return {};
    }
    auto* list = parent->if_array();
    const auto n = !list ? std::nullopt : path.back() == "-" ? std::optional(list->size()) : index_of(path.back());
    if (!n || *n > list->size()) return nothing_at(shown(path));
    list->insert(list->begin() + static_cast<std::ptrdiff_t>(*n), std::move(value));
    return {};
  }

  outcome<json> remove(const std::vector<std::string>& path) {
    auto* parent = path.empty() ? nullptr : at(root_, path, path.size() - 1);
    auto* held = parent ? child(*parent, path.back()) : nullptr;
    if (!held) return nothing_at(shown(path));
    json taken = std::move(*held);
    if (auto* list = parent->if_array())
      list->erase(list->begin() + static_cast<std::ptrdiff_t>(*index_of(path.back())));
    else
      parent->erase(path.back());
    return taken;
  }

  json& root_;
  std::size_t copied_left_;
};

}  // namespace

std::expected<json, patch_fault> apply_json_patch(json resource, const json& patch, const patch_limits& limits) {
  if (!patch.is_array()) return broken("a JSON Patch is an array of operations");
  if (patch.size() > limits.operations) return broken(fmt::format("the patch has more than {} operations", limits.operations));
  patcher work(resource, limits);
  for (std::size_t i = 0; i < patch.size(); ++i)
    if (auto done = work.apply(patch[i]); !done)
      return std::unexpected(patch_fault{done.error().status, fmt::format("Operation {} of the patch: {}", i + 1, done.error().text)});
  return resource;
}

}  // namespace dsf::fhir
