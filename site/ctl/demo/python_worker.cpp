#include "site/ctl/demo/python_worker.hpp"

#include <unistd.h>

#include <fstream>

#include "site/ctl/commands.hpp"
#include "site/ctl/demo/child.hpp"

namespace dsf::site::ctl {
namespace {

namespace fs = std::filesystem;
using base::fail;
using base::result;

constexpr std::int64_t check_timeout_ms = 10'000;

// Looks for the modules without importing them, which would take as long as the demo's whole start.
constexpr const char* look_for_modules =
    "from importlib.util import find_spec\n"
    "def there(m):\n"
    "    try: return find_spec(m) is not None\n"
    "    except ImportError: return False\n"
    "print(' '.join(p for m, p in (('grpc', 'python3-grpcio'), ('google.protobuf', 'python3-protobuf')) if not there(m)))\n";

result<> check_modules(const fs::path& scratch) {
  std::error_code ec;
  fs::create_directories(scratch, ec);
  const auto said = scratch / "python-check.log";
  fs::remove(said, ec);
  auto looking = TRY(child::start({python_program, "-c", look_for_modules}, said.string()));
  for (std::int64_t waited = 0; looking.running(); waited += 5) {
    if (waited >= check_timeout_ms) return fail(admin_errc::timeout, "python3 does not answer after 10 s");
    ::usleep(5'000);
  }
  std::ifstream in(said);
  std::string line;
  if (!std::getline(in, line)) return fail(admin_errc::unavailable, std::string(python_program) + " can't be run");
  if (!line.empty())
    return fail(admin_errc::not_found, "missing here: " + line + "; scripts/setup programs installs it, and ./run calls that");
  return {};
}

}  // namespace

result<std::string> find_python_worker(const std::vector<fs::path>& places, const fs::path& scratch) {
  for (const auto& folder : places) {
    const auto program = folder / "samples/ping/ping.py";
    std::error_code ec;
    if (!fs::exists(program, ec)) continue;
    if (::access(python_program, X_OK) != 0)
      return fail(admin_errc::not_found,
                  std::string(python_program) + " is missing; scripts/setup programs installs it, and ./run calls that");
    TRY(check_modules(scratch));
    if (!fs::exists(folder / "dsfd_worker/pb/worker_pb2.py", ec))
      return fail(admin_errc::not_found,
                  "the code made of proto/worker.proto is missing; scripts/python_worker makes it, and ./run calls that");
    return fs::canonical(program).string();
  }
  return fail(admin_errc::not_found, "neither workers/python of the source tree nor ../share/dsfd/workers/python is there");
}

}  // namespace dsf::site::ctl
