// Properties and methods of values, as the resolvers of EL find them on Java's objects. Private to el/.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "bpmn/el/expression.hpp"

namespace dsf::bpmn::el {

// Values are shared, so that walking into a large list copies nothing.
using value_ptr = std::shared_ptr<const value>;
using arguments = std::vector<value_ptr>;

inline value_ptr share(value v) { return std::make_shared<const value>(std::move(v)); }
// An element that lives as long as what contains it.
inline value_ptr share_part(const value_ptr& owner, const value& part) { return {owner, &part}; }

// Errors: evaluation (no such member, wrong number of arguments), wrong_type.
base::result<value_ptr> property_of(const value_ptr& base, const value& key);
base::result<value_ptr> call_on(const value_ptr& base, std::string_view method, const arguments& args);

// The families call_on() and property_of() are made of.
base::result<value_ptr> call_on_text(const std::string& text, std::string_view method, const arguments& args);
base::result<value_ptr> call_on_list(const value_ptr& list, std::string_view method, const arguments& args);
base::result<value_ptr> call_on_map(const value_ptr& map, std::string_view method, const arguments& args);
base::result<value_ptr> domain_property(const value_ptr& base, std::string_view name);
base::result<value_ptr> call_on_domain(const value_ptr& base, std::string_view method, const arguments& args);
// `execution`
base::result<value_ptr> execution_property(const context& c, std::string_view name);
base::result<value_ptr> call_on_execution(context& c, std::string_view method, const arguments& args);

bool is_list(const value& v);  // value_list, string_list
std::size_t list_size(const value& list);
value_ptr list_element(const value_ptr& list, std::size_t index);
const value* map_find(const value_map& map, std::string_view name);
// "getName" -> "name"; "" when the method is no such accessor.
std::string accessor_property(std::string_view method, std::string_view prefix);

base::failure no_property(const value& base, std::string_view name);
base::failure no_method(const value& base, std::string_view name, std::size_t arguments);
// Error evaluation naming the method when the number differs.
base::result<> expect_arguments(std::string_view method, const arguments& args, std::size_t wanted);

}  // namespace dsf::bpmn::el
