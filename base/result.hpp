// result<T>: a value or an error; and TRY, which hands an error to the caller.
#pragma once

#include <expected>

#include "base/error.hpp"

namespace dsf::base {

template <class T = void>
using result = std::expected<T, error>;

using failure = std::unexpected<error>;

// return fail(errc::parse, "text", "place");
template <class Enum>
[[nodiscard]] failure fail(Enum code, std::string text, std::string place = {}) {
  return failure(error(code, std::move(text), std::move(place)));
}

}  // namespace dsf::base

// auto value = TRY(f());   Not for coroutines: use CO_TRY(value, co_await f()) there.
#define TRY(...)                                                       \
  ({                                                                   \
    auto&& dsf_try_result_ = (__VA_ARGS__);                            \
    if (!dsf_try_result_) [[unlikely]]                                 \
      return ::dsf::base::failure(std::move(dsf_try_result_).error()); \
    *std::move(dsf_try_result_);                                       \
  })

// CO_TRY(var, expr): declares var, or co_returns the error.
#define CO_TRY(var, ...)                                              \
  auto var##_result_ = (__VA_ARGS__);                                 \
  if (!var##_result_) [[unlikely]]                                    \
    co_return ::dsf::base::failure(std::move(var##_result_).error()); \
  auto& var = *var##_result_
