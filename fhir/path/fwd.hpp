#pragma once

namespace dsf::fhir::path {
class decimal;
class expression;
class host;
struct element;
struct environment;
struct quantity;
struct syntax;
struct temporal;
struct type_name;
}  // namespace dsf::fhir::path
