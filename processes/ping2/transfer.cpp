// What both sides do: make a Binary, download one and take the time, delete the own one.
#include <charconv>

#include "base/mutant.hpp"
#include "plugins/binaries.hpp"
#include "processes/errc.hpp"
#include "processes/messages.hpp"
#include "processes/ping2/handlers.hpp"
#include "processes/ping2/record.hpp"
#include "processes/site.hpp"
#include "processes/task_values.hpp"

namespace dsf::processes::ping2 {
namespace {

using base::result;

constexpr std::int64_t default_bytes = 10'000'000;
constexpr std::size_t piece_bytes = 64 * 1024;

// A setting of the process: a number of bytes.
result<std::int64_t> bytes_setting(const plugins::services& s, std::string_view name) {
  const auto text = s.setting(name);
  if (text.empty()) return default_bytes;
  std::int64_t out = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc{} || end != text.data() + text.size() || out < 0)
    return base::fail(errc::not_configured, "must be a number of bytes, is '" + text + "'", std::string(name));
  return out;
}

std::int64_t size_in(const plugins::activation& a) {
  const auto* v = a.variable("downloadResourceSizeBytes");
  const auto* size = v ? v->as<std::int64_t>() : nullptr;
  return size ? *size : -1;
}

// Bytes that nothing on the way can make smaller (splitmix64), seeded anew for each Binary.
plugins::byte_source noise(std::uint64_t seed, std::uint64_t size) {
  return [state = seed, left = size]() mutable -> result<std::string> {
    std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(left, piece_bytes)), '\0');
    left -= piece.size();
    for (std::size_t i = 0; i < piece.size(); i += 8) {
      state += 0x9e3779b97f4a7c15;
      auto z = state;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      z ^= z >> 31;
      for (std::size_t k = 0; k < 8 && i + k < piece.size(); ++k) piece[i + k] = static_cast<char>(z >> (8 * k));
    }
    return piece;
  };
}

result<plugins::binary_client*> binaries_at(plugins::fhir_client& c) {
  if (auto* out = plugins::binaries_of(c)) return out;
  return base::fail(errc::not_configured, "this site's FHIR client can't transfer Binaries as bytes");
}

result<std::string> own_organization(plugins::services& s) {
  const auto me = s.local().organization_identifier;
  const auto found = TRY(s.local_endpoint().search("Organization?active=true&identifier=" + std::string(organization_sid) + "|" + me));
  for (const auto& e : found["entry"])
    if (e["resource"]["resourceType"].str() == "Organization") return "Organization/" + e["resource"]["id"].str();
  return base::fail(errc::not_on_allow_list, "the own organization " + me + " is not on the allow-list");
}

result<std::string> store(const plugins::activation& a, plugins::services& s, std::uint64_t size) {
  auto* at = TRY(binaries_at(s.local_endpoint()));
  const auto seed = std::hash<std::string>{}(s.new_uuid());
  return at->create_binary({.content_type = "application/octet-stream",
                            .security_context = TRY(own_organization(s)),
                            .size = size,
                            .content = noise(seed, size),
                            .key = a.idempotency_key});
}

// Of the message that names what to download: the start Task of a pong, the latest one of a ping.
result<measured> download(plugins::services& s, const base::json& task, const std::string& reference, std::int64_t at_most) {
  const auto where = TRY(parse_reference(reference, "Binary", s.local().endpoint_url));
  const auto from = TRY(member_at(s, TRY(requester_of(task)), where.base));
  const auto remote = s.endpoint(from.endpoint_url);
  auto* client = TRY(binaries_at(*remote));
  const auto begun = s.now();
  std::uint64_t bytes = 0;
  TRY(client->read_binary(where.id, [&](std::string_view piece) {
    bytes += piece.size();
    return static_cast<std::int64_t>(bytes) < at_most || DSF_MUTANT("processes.ping_downloads_all");
  }));
  const auto took = (s.now().us - begun.us) / 1'000;
  return measured{std::min(bytes, static_cast<std::uint64_t>(at_most)), static_cast<std::uint64_t>(std::max<std::int64_t>(0, took))};
}

}  // namespace

// Without the input: ten million. Below zero: no Binaries at all.
plugins::outcome set_download_resource_size(const plugins::activation& a, plugins::services&) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto& value = input(*task.content, ping_codes, "download-resource-size-bytes")["valueDecimal"];
    const auto size = value.is_number() ? value.int_or(default_bytes) : default_bytes;
    return plugins::completed{.variables = {set("downloadResourceSizeBytes", size < 0 ? std::int64_t{-1} : size)}};
  });
}

// A failed upload is a result like any other: the ping goes on and shows it.
plugins::outcome generate_and_store_resource(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto task = TRY(start_task(a));
    const auto size = std::min(size_in(a), TRY(bytes_setting(s, "dev.dsf.bpe.ping.maxUploadSizeBytes")));
    plugins::completed out{.variables = {set("downloadResourceSizeBytes", size)}};
    const auto stored = store(a, s, static_cast<std::uint64_t>(size));
    if (stored) {
      out.variables.push_back(set("downloadResourceReference", s.local().endpoint_url + "/Binary/" + *stored));
      return out;
    }
    const auto error = transfer_error_of("local-binary-post", stored.error());
    s.log().warning("ping", "no Binary could be stored for the other sites", context_of(s, {}, reference_to(task)),
                    {{"code", error.code}, {"error", stored.error().to_string()}});
    out.variables.push_back(set("resourceUploadError", error.code));
    out.variables.push_back(set("resourceUploadErrorFix", error.potential_fix));
    return out;
  });
}

plugins::outcome download_resource(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const bool pong = a.field_text("process") == "pong";
    const auto task = pong ? TRY(start_task(a)) : TRY(latest_task(a));
    const auto key = pong ? std::string() : TRY(target_of(a)).correlation_key;
    const auto at_most = TRY(bytes_setting(s, "dev.dsf.bpe.ping.maxDownloadSizeBytes"));
    auto r = record_in(a, key);
    const auto reference = input(*task.content, ping_codes, "download-resource-reference")["valueReference"]["reference"].str();
    if (reference.empty()) {
      // Who could not store a Binary has said so in the same message.
      if (errors_in(*task.content).empty()) r.errors.push_back({"local-binary-download-missing-reference", {}});
      return plugins::completed{.variables = {keep(r, key)}};
    }
    const auto done = download(s, *task.content, reference, at_most);
    if (done) {
      r.download = *done;
    } else {
      r.errors.push_back(transfer_error_of("local-binary-download", done.error()));
      s.log().warning("ping", "the Binary of the other site could not be downloaded",
                      context_of(s, TRY(requester_of(*task.content)), reference_to(task)),
                      {{"code", r.errors.back().code}, {"error", done.error().to_string()}});
    }
    return plugins::completed{.variables = {keep(r, key)}};
  });
}

plugins::outcome cleanup(const plugins::activation& a, plugins::services& s) {
  return attempt([&]() -> result<plugins::outcome> {
    const auto reference = a.variable_text("downloadResourceReference");
    if (reference.empty() || DSF_MUTANT("processes.ping_keeps_binaries")) return plugins::completed{};
    const auto id = TRY(parse_reference(reference, "Binary", s.local().endpoint_url)).id;
    const auto done = TRY(binaries_at(s.local_endpoint()))->remove_binary(id);
    if (done) return plugins::completed{};
    const auto error = transfer_error_of("local-binary-delete", done.error());
    s.log().warning("ping", "the own Binary could not be deleted", context_of(s),
                    {{"code", error.code}, {"error", done.error().to_string()}});
    return plugins::completed{.variables = {set("cleanupError", error.code), set("cleanupErrorFix", error.potential_fix)}};
  });
}

}  // namespace dsf::processes::ping2
