// The schema of a policy's spec, and of what each verb of its ladder may be given.
#include "model/detail/schema_build.h"

namespace mien::model {
namespace detail {
namespace {

// `+50%` of what is there, or a value.
constexpr Dimensions cpu_amount{Dimension::change, Dimension::number, Dimension::ratio};
constexpr Dimensions bytes_amount{Dimension::change, Dimension::bytes};
constexpr Dimensions rate_amount{Dimension::change, Dimension::byte_rate, Dimension::bit_rate, Dimension::number};

Nodes make_verbs() {
  SchemaNode target = otherwise(
      choice("target", "what is limited: the program to blame, or the whole instance", {"offender", "instance"}),
      "offender");
  return {
      map("alert", "tell people; changes nothing", "{}",
          {text("to", "webhook or channel named in mien.yaml", "operators"),
           text("message", "text to add", "see the runbook")}),
      map("scale", "give more or less", "{cpu: +50%, max: 8}",
          {quantity("cpu", "cores, or a change of them", "+50%", cpu_amount),
           quantity("memory", "size, or a change of it", "+50%", bytes_amount),
           quantity("disk", "size, or a change of it", "+20%", bytes_amount),
           quantity("network", "bandwidth, or a change of it", "+50%", rate_amount),
           quantity(
               "max", "never beyond this", "8",
               {Dimension::number, Dimension::bytes, Dimension::bit_rate, Dimension::byte_rate, Dimension::ratio})}),
      map("limit", "hold something back", "{cpu: 50%, target: offender}",
          {quantity("cpu", "share of one core", "50%", {Dimension::number, Dimension::ratio}),
           quantity("memory", "size", "2GiB", {Dimension::bytes}),
           quantity("io", "bytes per second", "50MB/s", {Dimension::byte_rate}),
           integer("pids", "processes and threads", "512", 1, 4194304), std::move(target)}),
      map("prioritize", "change what goes first under contention", "{cpu_weight: 200}",
          {integer("cpu_weight", "cgroup cpu.weight", "200", 1, 10000),
           integer("io_weight", "cgroup io.weight", "200", 1, 10000),
           integer("nice", "scheduling nice value", "5", -20, 19)}),
      table("configure", "set declared configuration keys", "{net.core.somaxconn: 4096}",
            node("*", SchemaType::scalar, "value of the key", "4096")),
      map("lockdown", "cut an instance off, step by step", "{level: egress}",
          {required(choice("level", "how far", {"egress", "isolate", "freeze"}))}),
      map("snapshot", "keep the present state", "{}", {text("name", "name of the snapshot", "before-replace")}),
      map("rollback", "return to an earlier revision", "{}",
          {integer("to", "revision; the newest good one when left out", "12", 1, 9007199254740992.0)}),
      map("soft_reset", "restart in good order", "{}",
          {text("service", "service to restart; the instance when left out", "nginx")}),
      map("full_reset", "power cycle", "{}", {}),
      map("evict", "move the work away", "{}", {duration("drain", "how long it may take", "5m")}),
      map("replace", "make a new one, then take the old one away", "{}",
          {duration("drain", "how long the old one may take", "5m")}),
      map("activate", "switch the persona", "{persona: nightly-backup}",
          {required(text("persona", "persona to switch to", "nightly-backup", TextFormat::name))}),
      map("preload", "fetch declared software and data ahead of need", "{}",
          {text("persona", "whose software and data", "web-frontend", TextFormat::name)}),
      map("scale_pool", "more or fewer members", "{by: 2}",
          {required(integer("by", "members to add, or with a minus to take away", "2", -1000, 1000))}),
      map("run", "a command that mien.yaml names", "{command: clear-cache}",
          {required(text("command", "name of the command", "clear-cache"))}),
  };
}

std::vector<std::string_view> verb_names() {
  std::vector<std::string_view> names;
  for (const SchemaNode& each : verb_schemas()) names.push_back(each.key);
  return names;
}

SchemaNode match_schema() {
  SchemaNode kinds = list("kinds", "kinds of finding", "[security]",
                          choice("*", "kind of finding",
                                 {"spike", "level", "ramp", "spread", "frozen", "seasonal", "relation", "shape",
                                  "security", "limit", "configuration", "silence"}));
  return map("match", "which findings; everything that is written must hold",
             "{pools: [web], kinds: [security], severity: high}",
             {texts("pools", "pools of the instance", "[web]", TextFormat::name),
              texts("instances", "instances by name", "[web-01]", TextFormat::instance_name),
              texts("personas", "personas that are active", "[web-frontend]", TextFormat::name),
              table("labels", "labels of the instance", "{tier: front}",
                    text("*", "value of the label", "front", TextFormat::label), TextFormat::label),
              std::move(kinds), texts("metrics", "metrics to blame", "[system.memory.utilization]", TextFormat::metric),
              choice("severity", "at least this severe", {"info", "low", "medium", "high", "critical"}),
              up_to(at_least(quantity("confidence", "at least this sure that it is no false alarm", "99%",
                                      {Dimension::ratio, Dimension::number}),
                             0),
                    1)});
}

SchemaNode guards_schema() {
  SchemaNode budget = otherwise(map("budget", "how often it may act", "{actions: 2, per: 1h}",
                                    {required(integer("actions", "actions, at most", "2", 0, 100000)),
                                     required(duration("per", "in this long", "1h"))}),
                                "3 in 1h");
  SchemaNode approval =
      map("approval", "what a person must approve", "{required_for: [replace]}",
          {list("required_for", "verbs that wait for approval", "[replace]", choice("*", "verb", verb_names()))});
  return map(
      "guards", "limits on what may be done, kept across restarts", "{budget: {actions: 2, per: 1h}, cooldown: 15m}",
      {std::move(budget),
       otherwise(up_to(at_least(quantity("max_unavailable",
                                         "share of a pool, rounded down to at least one, or a number of members", "20%",
                                         {Dimension::ratio, Dimension::number}),
                                0),
                       1000000),
                 "1"),
       otherwise(duration("cooldown", "rest between two actions on one instance", "15m"), "10m"),
       otherwise(duration("settle", "how long an action may take to show its effect", "2m"), "2m"),
       otherwise(duration("dwell", "how long an action stands at least, unless a person takes it back", "1m"), "1m"),
       otherwise(duration("approve_within", "how long a proposed action waits for a person", "1h"), "1h"),
       otherwise(integer("repeats", "actions on one instance within a day before a person must decide", "3", 0, 1000),
                 "3"),
       std::move(approval)});
}

}  // namespace

SchemaNode policy_schema() {
  SchemaNode step =
      map("*", "one step; each is verified before the next", "{do: lockdown, with: {level: egress}, lease: 30m}",
          {required(choice("do", "verb", verb_names())),
           node("with", SchemaType::free, "what the verb is given; `mien explain policy.ladder.with.VERB`",
                "{level: egress}"),
           otherwise(duration("lease", "after this long it is taken back by itself; of what can be taken back", "30m"),
                     "30m")});
  SchemaNode ladder = list("ladder", "tried in order; needed unless it protects", "[{do: alert}]", std::move(step));
  ladder.unique = false;  // the same step may come again after others
  return map(
      "spec", "what to do about findings", "{match: {kinds: [security]}, mode: propose, ladder: [{do: alert}]}",
      {match_schema(), otherwise(choice("mode", "how far it may go", {"observe", "propose", "enforce"}), "observe"),
       text("when", "expression that must hold as well", "\"load.cpu > 0.6\"", TextFormat::expression),
       otherwise(boolean("protect", "whether what it matches is left alone by every policy"), "false"),
       otherwise(integer("priority", "of several that match, the highest is tried first; then by name", "10", -1000000,
                         1000000),
                 "0"),
       std::move(ladder), guards_schema()});
}

}  // namespace detail

const std::vector<SchemaNode>& verb_schemas() {
  static const std::vector<SchemaNode> verbs = detail::make_verbs();
  return verbs;
}

const SchemaNode* verb_schema(std::string_view verb) {
  for (const SchemaNode& each : verb_schemas())
    if (each.key == verb) return &each;
  return nullptr;
}

}  // namespace mien::model
