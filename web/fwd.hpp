#pragma once

namespace dsf::web {

class html;
class literal;
struct attribute;
struct visitor;
enum class language : unsigned char;

}  // namespace dsf::web
