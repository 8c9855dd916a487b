// Timer events: dates, durations, cycles (engine 1c.10).
#include <charconv>

#include "base/mutant.hpp"
#include "bpmn/execution/elements/element.hpp"

namespace dsf::bpmn {
namespace {

std::string_view trim(std::string_view s) {
  const auto from = s.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return s.substr(from, s.find_last_not_of(" \t\r\n") - from + 1);
}

// Java's ISO dates may come without a zone; they are read as UTC.
base::result<base::timestamp> parse_date(std::string_view text) {
  auto t = base::parse_iso(text);
  if (t || text.find('T') == std::string_view::npos) return t;
  return base::parse_iso(std::string(text) + "Z");
}

struct cycle {
  std::int32_t count = -1;  // -1: for ever
  base::timestamp first;
  std::string period;
};

base::failure bad(const std::string& text, const std::string& place) {
  return base::fail(
      errc::evaluation,
      "'" + text + "' is no timer this engine understands; write an ISO 8601 date, a duration such as PT5M, or a cycle such as R3/PT10S",
      place);
}

// R/PT1H, R3/PT10S, R3/<start>/PT10S, R3/PT10S/<end>
base::result<cycle> parse_cycle(const std::string& text, base::timestamp now, const std::string& place) {
  cycle c;
  const auto slash = text.find('/');
  if (!text.starts_with('R') || slash == std::string::npos) return bad(text, place);
  const std::string_view count = std::string_view(text).substr(1, slash - 1);
  if (!count.empty()) {
    const auto end = std::from_chars(count.data(), count.data() + count.size(), c.count);
    if (end.ec != std::errc() || end.ptr != count.data() + count.size() || c.count < 1) return bad(text, place);
  }
  std::string first = text.substr(slash + 1);
  std::string second;
  if (const auto next = first.find('/'); next != std::string::npos) {
    second = first.substr(next + 1);
    first.resize(next);
  }
  if (first.starts_with('P')) {
    const auto d = base::parse_duration(first);
    if (!d || (d->us <= 0 && d->months <= 0)) return bad(text, place);
    c.period = first;
    c.first = base::add(now, *d);
    if (!second.empty()) {
      // A period with an end: the first time is counted back from it.
      const auto end = parse_date(second);
      if (!end) return bad(text, place);
      if (*end < c.first) c.first = *end;
    }
    return c;
  }
  const auto start = parse_date(first);
  const auto d = base::parse_duration(second);
  if (!start || !d || (d->us <= 0 && d->months <= 0)) return bad(text, place);
  c.period = second;
  c.first = *start;
  return c;
}

// "next due = first start + k x period after now, so missed periods are skipped"
base::timestamp next_due(base::timestamp last, const std::string& period, base::timestamp now) {
  const auto d = base::parse_duration(period);
  if (!d) return now;
  if (d->months == 0 && d->us > 0) {
    const std::int64_t steps = now.us < last.us ? 1 : (now.us - last.us) / d->us + 1;
    return {last.us + steps * d->us};
  }
  base::timestamp t = base::add(last, *d);
  for (int i = 0; i < 10'000 && t <= now; ++i) t = base::add(t, *d);
  return t;
}

}  // namespace

base::result<job> machine::timer_for(local_id id, node_index catching) {
  const node& n = node_at(catching);
  const value v = TRY(evaluate(n.event.timer_value, id));
  job j;
  j.kind = job_kind::timer;
  j.execution = id;
  j.node = catching;
  j.since = now;
  if (const auto* date = v.as<base::timestamp>()) {
    j.due = *date;
  } else {
    std::string raw;
    if (!to_text(v, raw))
      return base::fail(errc::wrong_type, "the timer value is a " + std::string(type_name(v)) + ", a date or text is needed", n.id);
    const std::string text(trim(raw));
    switch (n.event.timer) {
      case timer_kind::date: {
        // Operaton reads durations here as well ("reportFirstExecution" may hold either).
        if (text.starts_with('P')) {
          const auto d = base::parse_duration(text);
          if (!d) return bad(text, n.id);
          j.due = base::add(now, *d);
        } else {
          const auto t = parse_date(text);
          if (!t) return bad(text, n.id);
          j.due = *t;
        }
        break;
      }
      case timer_kind::duration: {
        const auto d = base::parse_duration(text);
        if (!d) return bad(text, n.id);
        j.due = base::add(now, *d);
        break;
      }
      case timer_kind::cycle: {
        const cycle c = TRY(parse_cycle(text, now, n.id));
        j.due = c.first;
        // "boundary interrupting timer never repeats even with a cycle; intermediate catch with cycle fires once"
        if (n.kind == node_kind::boundary_event && !n.interrupting) {
          j.repeats_left = c.count < 0 ? -1 : c.count - 1;
          j.period = c.period;
        }
        break;
      }
    }
  }
  if (j.due.us <= 0) j.due = now;  // 0 would mean "at once"
  j.id = fresh_id();
  return j;
}

base::result<> machine::timer_fired(const timer_due& c) {
  const job* found = state.jobs.find(c.job);
  if (!found || found->kind != job_kind::timer || found->status != job_status::ready)
    return base::fail(errc::not_waiting, "nothing waits for timer " + std::to_string(c.job) + " (any more)");
  job j = *found;
  if (j.repeats_left != 0 || (DSF_MUTANT("timer-fires-twice") && j.attempt == 1)) {
    withdraw(j);
    if (j.repeats_left > 0) --j.repeats_left;
    j.due = next_due(j.due, j.period, now);
    ++j.attempt;
    emit(events::job_changed{j});
    announce(j, {});
  } else {
    remove_job(j.id, false);
  }
  return trigger(j.execution, j.node);
}

}  // namespace dsf::bpmn
