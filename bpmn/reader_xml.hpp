// XML as the reader needs it: refused when dangerous or not well-formed, names by namespace URI, lines. Private to the reader.
#pragma once

#include <memory>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "bpmn/errc.hpp"
#include "bpmn/model.hpp"

namespace dsf::bpmn {

enum class xml_space : std::uint8_t {
  none,       // attributes without a prefix
  bpmn,       // http://www.omg.org/spec/BPMN/20100524/MODEL
  extension,  // http://camunda.org/schema/1.0/bpmn, http://operaton.org/schema/1.0/bpmn
  xmlns,      // namespace declarations
  foreign,    // anything else: diagrams, tools
};

class element;

class xml_file {
public:
  static base::result<std::unique_ptr<const xml_file>> load(std::string_view text, std::string_view name, const read_options& options);

  [[nodiscard]] element root() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int line_of(pugi::xml_node n) const;
  [[nodiscard]] xml_space space_of(pugi::xml_node scope, std::string_view prefix, bool attribute) const;

private:
  using declarations = std::vector<std::pair<std::string, xml_space>>;
  base::result<> check_tree();
  base::result<> check_attributes(pugi::xml_node n);
  base::failure fault(pugi::xml_node at, std::string text) const;

  std::string name_;
  pugi::xml_document document_;
  std::vector<std::size_t> line_starts_;
  std::unordered_map<const void*, declarations> declared_;  // by element
  std::size_t declaration_count_ = 0;
};

struct attribute {
  xml_space space = xml_space::none;
  std::string_view name;  // local
  std::string_view text;
};

// An element and the file it is in.
class element {
public:
  element(const xml_file& file, pugi::xml_node node);

  [[nodiscard]] xml_space space() const { return space_; }
  [[nodiscard]] std::string_view name() const { return name_; }  // local
  [[nodiscard]] bool is(std::string_view bpmn_name) const { return space_ == xml_space::bpmn && name_ == bpmn_name; }
  [[nodiscard]] bool is_extension(std::string_view name) const { return space_ == xml_space::extension && name_ == name; }
  [[nodiscard]] int line() const { return file_->line_of(node_); }
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::optional<std::string_view> attr(std::string_view name) const { return find(xml_space::none, name); }
  [[nodiscard]] std::optional<std::string_view> extension(std::string_view name) const { return find(xml_space::extension, name); }
  [[nodiscard]] std::vector<attribute> attributes() const;
  [[nodiscard]] std::vector<element> children() const;
  [[nodiscard]] std::optional<element> child(std::string_view bpmn_name) const;
  [[nodiscard]] std::optional<element> extension_child(std::string_view name) const;
  // All text directly below, as written.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string trimmed_text() const;

  // The place of an error: "file: element id (line n)"; an element without id is named by the nearest one above that has one.
  [[nodiscard]] std::string place() const;
  [[nodiscard]] base::failure fail(errc code, std::string text) const { return base::fail(code, std::move(text), place()); }

private:
  [[nodiscard]] std::optional<std::string_view> find(xml_space space, std::string_view name) const;

  const xml_file* file_;
  pugi::xml_node node_;
  xml_space space_;
  std::string_view name_;
};

std::string_view trim(std::string_view text);

}  // namespace dsf::bpmn
