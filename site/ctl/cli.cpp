#include "site/ctl/cli.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <tuple>

#include "site/ctl/allow_list_command.hpp"
#include "site/ctl/audit_command.hpp"
#include "site/ctl/commands.hpp"
#include "site/ctl/data_command.hpp"
#include "site/ctl/demo.hpp"
#include "site/ctl/doctor/doctor.hpp"
#include "site/ctl/log_command.hpp"
#include "site/ctl/plugin_commands.hpp"
#include "site/ctl/store_commands.hpp"
#include "site/settings/load.hpp"

extern char** environ;

namespace dsf::site {
namespace {

using base::result;

struct global_options {
  std::string socket;
  std::string config;
  bool json = false;
};

std::size_t terminal_width(int fd) {
  winsize size{};
  return ::isatty(fd) && ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// --socket, then DSFD_ADMIN_SOCKET, then the settings file of --config or DSFD_CONFIG.
result<std::string> socket_path(const global_options& g) {
  if (!g.socket.empty()) return g.socket;
  if (const char* socket = std::getenv("DSFD_ADMIN_SOCKET"); socket && *socket) return std::string(socket);
  const char* from_environment = std::getenv("DSFD_CONFIG");
  const std::string file = !g.config.empty() ? g.config : from_environment ? from_environment : "";
  if (file.empty()) return base::fail(admin_errc::invalid, "which site? Pass --socket PATH, or --config FILE of the running dsfd");
  settings_sources sources;
  sources.file = file;
  sources.environment = dsfd_environment(environ);
  auto loaded = load_settings(sources);
  if (!loaded.config.admin_socket.empty()) return loaded.config.admin_socket;
  if (!loaded.config.store_path.empty()) return (std::filesystem::path(loaded.config.store_path) / "admin.sock").string();
  if (!loaded.problems.empty()) return base::failure(std::move(loaded.problems.front()));
  return base::fail(admin_errc::invalid, "the settings name neither admin.socket nor store.path", file);
}

// All of them, for commands that look at a site from outside.
result<loaded_settings> site_settings(const global_options& g) {
  settings_sources sources;
  const char* from_environment = std::getenv("DSFD_CONFIG");
  sources.file = !g.config.empty() ? g.config : from_environment ? from_environment : "";
  sources.environment = dsfd_environment(environ);
  if (sources.file.empty() && sources.environment.empty())
    return base::fail(admin_errc::invalid, "which site? Pass --config FILE, its settings");
  return load_settings(sources);
}

class command_line {
public:
  command_line(std::ostream& out, std::ostream& err) : o_{out, err, false, 0, false, base::system_clock_source()}, err_(err) {
    app_.description("Shows and steers dsfd sites.");
    app_.require_subcommand(1);
    app_.add_option("--socket", g_.socket, "admin socket of the running site (DSFD_ADMIN_SOCKET)")->type_name("PATH");
    app_.add_option("--config", g_.config, "settings file of the site, to find its admin socket (DSFD_CONFIG)")->type_name("FILE");
    app_.add_flag("--json", g_.json, "one JSON value instead of tables");
    app_.fallthrough();
    site_commands();
    instance_commands();
    work_commands();
    store_commands();
    tool_commands();
  }

  int run(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      const int code = app_.exit(e, o_.out, err_);
      return code == 0 ? 0 : 2;
    }
    if (!action_) return 2;
    o_.json = g_.json;
    if (&o_.out == &std::cout) o_.width = terminal_width(STDOUT_FILENO);
    o_.terminal = &err_ == &std::cerr && ::isatty(STDERR_FILENO);
    const auto done = action_();
    if (done) return 0;
    if (done.error().is(demo_errc::failed)) return 1;  // has said so in its last line
    err_ << "dsfctl: " << done.error().to_string() << "\n";
    return 1;
  }

private:
  using site_action = std::function<result<>(admin_client&)>;

  CLI::App* command(CLI::App& in, const char* name, const char* help, std::function<result<>()> action) {
    auto* sub = in.add_subcommand(name, help);
    sub->callback([this, action = std::move(action)] {
      if (!action_) action_ = action;  // the innermost command's callback comes first
    });
    return sub;
  }
  CLI::App* on_site(CLI::App& in, const char* name, const char* help, site_action action) {
    return command(in, name, help, [this, action = std::move(action)]() -> result<> {
      admin_client client(TRY(socket_path(g_)));
      return action(client);
    });
  }

  void site_commands() {
    on_site(app_, "status", "what the site does, and whether it is ready", [this](auto& s) { return ctl::status(o_, s); });
    on_site(app_, "partners", "the other sites, and how sending to them goes", [this](auto& s) { return ctl::partners(o_, s); });
    auto* actors = on_site(app_, "actors", "the live tree of actors", [this](auto& s) { return ctl::actors(o_, s, limit_); });
    actors->add_option("--limit", limit_, "at most so many")->capture_default_str();
    on_site(app_, "workers", "programs that run handlers, and what they do", [this](auto& s) { return ctl::workers(o_, s); });
    on_site(app_, "watch", "events as they happen, until Ctrl-C", [this](auto& s) { return ctl::watch(o_, s); });
    auto* stop = on_site(app_, "stop", "stops the site in an orderly way", [this](auto& s) { return ctl::shutdown(o_, s, text_); });
    stop->add_option("--reason", text_, "for the log");
  }

  void instance_commands() {
    auto* list = on_site(app_, "instances", "process instances", [this](auto& s) { return ctl::instances(o_, s, instances_, all_); });
    list->add_option("--process", instances_.process, "key, or key|version");
    list->add_option("--business-key", instances_.business_key, "only this one");
    list->add_option("--state", instances_.state, "running, completed, failed or incident")
        ->check(CLI::IsMember({"running", "completed", "failed", "incident"}));
    list->add_option("--after", instances_.after, "the page after this");
    list->add_option("--limit", instances_.limit, "lines on a page")->capture_default_str()->check(CLI::Range(1, 10'000));
    list->add_flag("--all", all_, "all pages");

    auto* instance = group("instance", "one process instance");
    auto* show = on_site(*instance, "show", "what it waits for, its Tasks and variables",
                         [this](auto& s) { return ctl::instance_show(o_, s, id_); });
    show->add_option("id", id_, "instance id or business key")->required();
    auto* cancel =
        on_site(*instance, "cancel", "ends it; its Task fails", [this](auto& s) { return ctl::instance_cancel(o_, s, id_, text_); });
    cancel->add_option("id", id_, "instance id")->required();
    cancel->add_option("--reason", text_, "stands in the failed Task")->required();

    auto* incidents =
        on_site(app_, "incidents", "what failed and needs a decision", [this](auto& s) { return ctl::incidents(o_, s, incidents_); });
    incidents->require_subcommand(0, 1);
    incidents->add_option("--process", incidents_.process, "key, or key|version");
    incidents->add_option("--after", incidents_.after, "the page after this");
    auto* retry = on_site(*incidents, "retry", "tries again", [this](auto& s) { return ctl::incident_retry(o_, s, ids_); });
    retry->add_option("id", ids_, "incident ids")->required();
    auto* give_up = on_site(*incidents, "cancel", "gives up: the instance ends and its Task fails",
                            [this](auto& s) { return ctl::incident_cancel(o_, s, ids_); });
    give_up->add_option("id", ids_, "incident ids")->required();

    auto* why = on_site(app_, "why", "what an instance waits for, from whom, since when, and what to do",
                        [this](auto& s) { return ctl::why(o_, s, id_); });
    why->add_option("business-key", id_, "business key or instance id")->required();
  }

  void work_commands() {
    auto* task = group("task", "start processes, complete user tasks");
    auto* start = on_site(*task, "start", "starts a process", [this](auto& s) -> result<> {
      for (const auto& i : inputs_) start_.inputs.push_back(TRY(ctl::parse_input(i, false)));
      for (const auto& i : decimals_) {
        start_.inputs.push_back(TRY(ctl::parse_input(i, false)));
        start_.inputs.back().type = "decimal";
      }
      for (const auto& i : references_) start_.inputs.push_back(TRY(ctl::parse_input(i, true)));
      return ctl::task_start(o_, s, start_);
    });
    start->add_option("process", start_.process, "canonical URL|version, or key|version; not with --draft");
    start->add_option("--draft", start_.draft, "identifier of a draft Task to start instead");
    start->add_option("--message", start_.message, "message name, when the process has several start messages");
    start->add_option("--business-key", start_.business_key, "default: a new one");
    start->add_option("--input", inputs_, "system|code=text; may be repeated");
    start->add_option("--decimal", decimals_, "system|code=number; may be repeated");
    start->add_option("--reference", references_, "system|code=Type/id; may be repeated");
    auto* complete = on_site(*task, "complete", "completes a user task", [this](auto& s) -> result<> {
      for (const auto& v : variables_) completion_.variables.push_back(TRY(ctl::parse_pair(v)));
      return ctl::task_complete(o_, s, completion_);
    });
    complete->add_option("id", completion_.id, "as `dsfctl instance show` prints it")->required();
    complete->add_option("--set", variables_, "variable=text; may be repeated");

    auto* import =
        on_site(app_, "import", "fills the repository from NDJSON or Bundles; goes on where it was interrupted",
                [this](auto& s) -> result<> { return ctl::import(o_, s, std::filesystem::absolute(path_).lexically_normal().string()); });
    import->add_option("path", path_, "file or folder")->required();

    plugin_commands();
    allow_list_commands();

    auto* handler = group("handler", "breakpoints for handlers");
    for (const bool hold : {true, false}) {
      auto* sub = on_site(*handler, hold ? "hold" : "release", hold ? "keeps back the outcomes of a handler class" : "lets them through",
                          [this, hold](auto& s) { return ctl::handler_hold(o_, s, id_, hold); });
      sub->add_option("class", id_, "class name")->required();
    }
  }

  void allow_list_commands() {
    auto* list = group("allow-list", "who belongs to the network, from the coordinating site to the members");
    auto* publish = on_site(*list, "publish", "at the coordinating site: makes the bundle for the members, and prints where it is",
                            [this](auto& s) { return ctl::allow_list_publish(o_, s, allow_list_); });
    CLI::App* both[] = {on_site(*list, "diff", "what a coordinating site's bundle would change here; changes nothing",
                                [this](auto& s) { return ctl::allow_list_take(o_, s, allow_list_, true); }),
                        on_site(*list, "apply", "takes the bundle over, all or nothing, and tells what it changed",
                                [this](auto& s) { return ctl::allow_list_take(o_, s, allow_list_, false); })};
    for (auto* sub : both) {
      sub->add_option("bundle", allow_list_.reference, "https://coordinating.site/fhir/Bundle/ID, as `publish` printed it there")
          ->required();
      sub->add_flag("--accept-own-changes", allow_list_.accept_own_changes,
                    "also what deactivates the own organization or endpoint, or removes one of its thumbprints");
      sub->add_option("--accept-parent", allow_list_.accept_parents, "parent organization to join; may be repeated");
    }
    for (auto* sub : {publish, both[0], both[1]})
      sub->add_option("--timeout", allow_list_.timeout_s, "seconds to wait for the end")
          ->capture_default_str()
          ->check(CLI::Range(1, 3'600));
  }

  void plugin_commands() {
    auto* plugin = group("plugin", "process plugins");
    on_site(*plugin, "list", "plugins, their processes and states, and what is in quarantine with every reason",
            [this](auto& s) { return ctl::plugin_list(o_, s); });
    auto* deploy = on_site(
        *plugin, "deploy", "checks and deploys a plugin; it stays deployed after a restart",
        [this](auto& s) -> result<> { return ctl::plugin_deploy(o_, s, std::filesystem::absolute(path_).lexically_normal().string()); });
    deploy->add_option("path", path_, "the plugin's folder or zip, on the site's machine")->required();
    auto* remove =
        on_site(*plugin, "remove", "takes a deployed plugin off, when its processes are retired or excluded and nothing of it runs",
                [this](auto& s) { return ctl::plugin_remove(o_, s, id_, plugin_.version); });
    remove->add_option("name", id_, "the plugin's name")->required();
    remove->add_option("version", plugin_.version, "as in plugin.yaml; default: the only one");
    constexpr std::tuple<const char*, const char*, const char*> states[] = {
        {"retire", "retired", "lets what runs finish and starts nothing; processes.excluded of the settings wins"},
        {"exclude", "excluded", "as retire, and takes the process's resources off the endpoint"},
        {"activate", "active", "ends retire and exclude; processes.retired and processes.excluded of the settings win"}};
    for (const auto& [name, state, help] : states) {
      auto* sub = on_site(*plugin, name, help, [this, state](auto& s) { return ctl::plugin_state(o_, s, id_, state); });
      sub->add_option("process", id_, "key|version")->required();
    }
    auto* lint =
        command(*plugin, "lint", "all that is wrong with a bundle, without a site", [this] { return ctl::plugin_lint(o_, plugin_); });
    lint->add_option("path", plugin_.path, "folder or zip")->required();
    auto* make = command(*plugin, "new", "writes a small bundle that works", [this] { return ctl::plugin_new(o_, plugin_); });
    make->add_option("folder", plugin_.path, "a new folder; its name is the plugin's")->required();
    make->add_option("--process", plugin_.process, "key: domain without dots, underscore, name; as exampleorg_hello")->required();
    make->add_option("--domain", plugin_.domain, "the domain with its dots, for the URLs; default: as in the key");
    auto* inspect = command(*plugin, "inspect", "what a DSF plugin JAR or a bundle holds, and which of its classes have a handler here",
                            [this] { return ctl::plugin_inspect(o_, plugin_); });
    inspect->add_option("path", plugin_.path, "JAR, zip or folder")->required();
    auto* test =
        command(*plugin, "test",
                "lints a bundle, deploys it on a temporary dsfd on loopback, then starts each process that has a draft Task or a test "
                "(tests/*.yaml), each on a site without a network; exit code 1 if one fails",
                [this] { return ctl::plugin_test(o_, plugin_); });
    test->add_option("path", plugin_.path, "folder or zip")->required();
    test->add_option("--set", plugin_.settings, "name=value of the plugin's configuration; may be repeated");
    test->add_option("--worker", plugin_.worker,
                     "program that runs the handlers, for tests that name none; may be repeated for its arguments");
    test->add_option("--dsfd", plugin_.program, "the dsfd program; default: beside dsfctl");
    test->add_option("--testbed", plugin_.testbed, "the dsfd_testbed program; default: beside dsfctl");
  }

  static std::string absolute(const std::string& path) {
    return path.empty() ? path : std::filesystem::absolute(path).lexically_normal().string();
  }

  void store_commands() {
    auto* retention = group("retention", "what is removed by age");
    on_site(*retention, "status", "the rules, what they have removed, and when they look again",
            [this](auto& s) { return ctl::retention_status(o_, s); });
    auto* run = on_site(*retention, "run", "looks now", [this](auto& s) { return ctl::retention_run(o_, s, dry_run_); });
    run->add_flag("--dry-run", dry_run_, "only tells what would be removed");

    auto* store = group("store", "backups");
    auto* backup = on_site(*store, "backup", "of the running site, without its data keys; the site goes on",
                           [this](auto& s) { return ctl::store_backup(o_, s, {absolute(store_.backup), {}, absolute(store_.keys)}); });
    backup->add_option("destination", store_.backup, "folder on the site's machine, empty or not there")->required();
    backup->add_option("--keys", store_.keys,
                       "new file for the data keys, without which what is under one can't be restored; keep it elsewhere");
    auto* keys = on_site(*store, "keys", "the running site's data keys as they are now; replaces the file",
                         [this](auto& s) { return ctl::store_keys(o_, s, absolute(store_.keys)); });
    keys->add_option("file", store_.keys, "on the site's machine")->required();
    auto* restore =
        command(*store, "restore", "makes a store of a backup; no site needed", [this] { return ctl::store_restore(o_, store_); });
    restore->add_option("backup", store_.backup, "folder of the backup")->required();
    restore->add_option("store", store_.store, "folder for the store (store.path), empty or not there")->required();
    restore->add_option("--keys", store_.keys, "file of data keys, as old as the backup or younger");
    on_site(*store, "restored", "what a site would do next whose store was made of a backup, and which of its messages are there already",
            [this](auto& s) { return ctl::store_restored(o_, s); });
    auto* release = on_site(*store, "release", "lets it", [this](auto& s) { return ctl::store_release(o_, s, yes_); });
    release->add_flag("--yes", yes_, "you have seen what `dsfctl store restored` shows");
    command(*store, "verify", "whether the index of the site's store (--config), which no server has open, is the one its resources give",
            [this]() -> result<> { return ctl::store_verify(o_, TRY(site_settings(g_))); });
    auto* check = command(*store, "check", "whether a backup, or a store that no server has open, is whole",
                          [this] { return ctl::store_check(o_, store_.backup); });
    check->add_option("path", store_.backup, "folder")->required();
  }

  void tool_commands() {
    auto* cohort = group("cohort", "cohorts of the repository");
    auto* count =
        command(*cohort, "count", "exact counts, for the site's own eyes: of a folder (--data), or of the running site's repository",
                [this]() -> result<> {
                  if (!cohort_.data.empty()) return ctl::cohort_count(o_, cohort_);
                  admin_client client(TRY(socket_path(g_)));
                  return ctl::cohort_query(o_, client, cohort_.queries);
                });
    auto* data = count->add_option("--data", cohort_.data, "folder of NDJSON files");
    auto* mapping = count->add_option("--mapping", cohort_.mapping, "search mapping (JSON)")->needs(data);
    auto* tree = count->add_option("--tree", cohort_.tree, "ontology tree (JSON)")->needs(data);
    data->needs(mapping)->needs(tree);
    count->add_option("--day", cohort_.day, "day that ages count to, YYYY-MM-DD; default: today")->needs(data);
    count->add_option("query", cohort_.queries, "CCDL files")->required();

    auto* pki =
        command(app_, "pki", "makes a development authority and certificates; keeps what is there", [this] { return ctl::pki(o_, pki_); });
    pki->add_option("--out", pki_.folder, "folder")->required();
    pki->add_option("--site", pki_.sites, "site to make a server and a client certificate for; may be repeated");
    pki->add_option("--practitioner", pki_.practitioners, "e-mail address of a person; may be repeated");
    pki->add_option("--name", pki_.names, "host name for the server certificates, beside localhost; may be repeated");

    auto* site = group("site", "set up a site");
    auto* init = command(*site, "init", "makes a settings file", [this] { return ctl::site_init(o_, init_); });
    init->add_option("folder", init_.folder, "where")->required();
    init->add_option("--organization", init_.organization, "the organisation's identifier in the allow-list")->required();
    init->add_option("--base-url", init_.base_url, "https address of the FHIR endpoint")->required();
    init->add_option("--certificates", init_.certificates,
                     "folder with server.pem, server.key, client.pem, client.key, and ../ca.pem (as `dsfctl pki` makes it)");
    init->add_option("--store", init_.store, "folder of the store; default: data, beside the settings");
    init->add_option("--role", init_.roles, "fhir, bpe, repository; may be repeated")->check(CLI::IsMember({"fhir", "bpe", "repository"}));

    auto* doctor =
        command(app_, "doctor", "looks at this host, the own endpoint and each partner, and names what is wrong and how to mend it",
                [this]() -> result<> { return ctl::doctor(o_, TRY(site_settings(g_)), doctor_); });
    doctor->add_option("--partner", doctor_.partners, "organisation identifier; may be repeated; default: all of the allow-list");
    doctor->add_option("--timeout", doctor_.timeout_s, "seconds for each endpoint")->capture_default_str()->check(CLI::Range(1, 300));

    auto* card = command(*site, "card", "what the consortium needs for its allow-list: identifier, address, thumbprints, contact",
                         [this]() -> result<> { return ctl::site_card(o_, TRY(site_settings(g_)), init_.contact); });
    card->add_option("--contact", init_.contact, "an e-mail address, or whom to call");
    init->add_option("--contact", init_.contact, "for the site card: an e-mail address, or whom to call");

    auto* log = group("log", "an instance's events");
    auto* show = command(*log, "show", "prints the events of an instance from a store that no server has open",
                         [this] { return ctl::log_show(o_, log_); });
    show->add_option("instance", log_.instance, "instance id")->required();
    show->add_option("--store", log_.store, "folder of the store (store.path)")->required();
    show->add_option("--from", log_.from, "first event number");

    auto* audit = command(app_, "audit", "prints a site's security audit log (audit.file) and the files that it was before",
                          [this] { return ctl::audit_show(o_, audit_); });
    audit->add_option("file", audit_.file, "audit.file of the site")->required();
    audit->add_option("--since", audit_.since, "a time (2026-05-01T10:00:00Z), or how long ago (24h, 7d)");
    audit->add_option("--until", audit_.until, "the same; not included");
    audit->add_option("--event", audit_.kind, "one kind, as in audit.events");
    audit->add_option("--outcome", audit_.outcome, "success, failure, or a code of AuditEvent.outcome")
        ->check(CLI::IsMember({"success", "failure", "0", "4", "8", "12"}));
    audit->add_option("--organization", audit_.organization, "identifier of who did it; of people their own");
    audit->add_option("--format", audit_.format, "table, lines (as stored), or bundle (FHIR)")
        ->check(CLI::IsMember({"table", "lines", "bundle"}))
        ->capture_default_str();

    auto* patients = group("data", "data of patients, of the running site or in a store that no server has open");
    auto* erase = patients->add_subcommand("erase", "deletes a data key, and with it all that is stored under it, in backups too");
    erase->require_subcommand(1);
    const auto erases = [this](auto in_store) {
      return [this, in_store]() -> result<> {
        if (!erase_.store.empty()) return in_store(o_, erase_);
        admin_client client(TRY(socket_path(g_)));
        return ctl::erase_on_site(o_, client, erase_);
      };
    };
    auto* erase_instance =
        command(*erase, "instance", "the variables and messages of an instance that has ended", erases(ctl::erase_instance));
    erase_instance->add_option("instance", erase_.what, "instance id")->required();
    auto* erase_resource = command(*erase, "resource", "all versions of a resource", erases(ctl::erase_resource));
    erase_resource->add_option("resource", erase_.what, "Type/id")->required();
    for (auto* one : {erase_instance, erase_resource}) {
      auto* store =
          one->add_option("--store", erase_.store, "folder of a store that no server has open (store.path); default: the running site");
      one->add_option("--master-key", erase_.master_key, "store.master_key_file, if it is set")->needs(store);
      one->add_flag("--yes", erase_.yes, "yes, for ever");
    }

    auto* demo = command(app_, "demo", "four sites on this machine answer a feasibility query, one is killed and carries on", [this] {
      demo_.split = true;
      demo_.python_worker = true;
      return ctl::demo(o_, demo_);
    });
    add_demo_options(*demo);
  }

  void add_demo_options(CLI::App& demo) {
    demo.add_option("--folder", demo_.folder, "where sites and certificates live")->capture_default_str();
    demo.add_option("--patients", demo_.patients, "patients a site")->capture_default_str()->check(CLI::Range(1, 1'000'000));
    demo.add_option("--seed", demo_.seed, "seed of the patient generator")->capture_default_str();
    demo.add_option("--port", demo_.first_port, "first of the loopback ports; 0: free ones")->capture_default_str();
    demo.add_option("--dsfd", demo_.program, "the dsfd program; default: beside dsfctl");
    demo.add_flag("--once", demo_.once, "stop when the result is there");
    demo.add_option("--break", demo_.broken, "what goes wrong")
        ->check(CLI::IsMember({"wrong-ca", "expired", "not-listed", "site-down", "wrong-role"}));
  }

  CLI::App* group(const char* name, const char* help) {
    auto* sub = app_.add_subcommand(name, help);
    sub->require_subcommand(1);
    return sub;
  }

  CLI::App app_{"", "dsfctl"};
  ctl_output o_;
  std::ostream& err_;
  global_options g_;
  std::function<result<>()> action_;

  bool all_ = false, dry_run_ = false, yes_ = false;
  ctl::store_places store_;
  std::uint32_t limit_ = 1'000;
  std::string id_, path_, text_;
  std::vector<std::string> ids_, inputs_, decimals_, references_, variables_;
  instance_filter instances_;
  incident_filter incidents_;
  start_request start_;
  user_task_completion completion_;
  ctl::cohort_options cohort_;
  ctl::audit_command_options audit_;
  ctl::pki_options pki_;
  ctl::site_init_options init_;
  ctl::log_options log_;
  ctl::erase_options erase_;
  ctl::allow_list_options allow_list_;
  ctl::plugin_options plugin_;
  ctl::doctor_options doctor_;
  ctl::demo_options demo_;
};

}  // namespace

int run_dsfctl(int argc, const char* const* argv, std::ostream& out, std::ostream& err) { return command_line(out, err).run(argc, argv); }

}  // namespace dsf::site
