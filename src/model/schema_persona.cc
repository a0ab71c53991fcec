// The schema of a persona's spec.
#include "model/detail/schema_build.h"

namespace mien::model::detail {
namespace {

constexpr Dimensions bandwidth{Dimension::bit_rate, Dimension::byte_rate};
constexpr Dimensions cpu_share{Dimension::number, Dimension::ratio};

SchemaNode configuration() {
  SchemaNode cpu = map("cpu", "processor given to the instance", "{cores: 4, weight: 200, max: 350%}",
                       {at_least(quantity("cores", "virtual processors", "4", {Dimension::number}), 0),
                        integer("weight", "share when processors are contended (cgroup cpu.weight)", "200", 1, 10000),
                        at_least(quantity("max", "upper bound, where 100% is one whole core", "350%", cpu_share), 0)});
  SchemaNode memory =
      map("memory", "memory given to the instance", "{limit: 8GiB, high: 7GiB}",
          {quantity("limit", "hard limit; beyond it the kernel kills", "8GiB", {Dimension::bytes}),
           quantity("high", "soft limit; beyond it the kernel reclaims and throttles", "7GiB", {Dimension::bytes}),
           quantity("swap", "swap space that may be used", "1GiB", {Dimension::bytes})});
  SchemaNode disk =
      map("disk", "block devices", "{weight: 100, read_iops: 5000, class: ssd}",
          {integer("weight", "share when the device is contended (cgroup io.weight)", "100", 1, 10000),
           at_least(quantity("read_iops", "read operations per second, at most", "5000", {Dimension::number}), 0),
           at_least(quantity("write_iops", "write operations per second, at most", "2000", {Dimension::number}), 0),
           quantity("read_bandwidth", "bytes read per second, at most", "400MB/s", {Dimension::byte_rate}),
           quantity("write_bandwidth", "bytes written per second, at most", "200MB/s", {Dimension::byte_rate}),
           quantity("size", "space of the disk", "100GiB", {Dimension::bytes}),
           choice("class", "kind of device", {"ssd", "nvme", "hdd", "network"})});
  SchemaNode network = map("network", "bandwidth", "{egress: 500Mbit}",
                           {quantity("egress", "sent, at most", "500Mbit", bandwidth),
                            quantity("ingress", "received, at most", "1Gbit", bandwidth)});
  SchemaNode software = map(
      "*", "one package", "{name: nginx, version: \">=1.22\"}",
      {required(text("name", "package name", "nginx")), text("version", "version, or a bound on it", "\">=1.22\"")});
  SchemaNode data =
      map("*", "one file", "{path: /srv/models/base.bin, source: seed-store/base.bin, size: 2GiB}",
          {required(text("path", "where it belongs", "/srv/models/base.bin", TextFormat::path)),
           required(text("source", "source named in mien.yaml, and the path in it", "seed-store/base.bin")),
           text("sha256", "checksum of its bytes", "9f86d081...", TextFormat::sha256),
           quantity("size", "size of the file", "2GiB", {Dimension::bytes})});
  return map("configuration", "what the instance should be; only declared keys are ever written",
             "{memory: {limit: 8GiB}}",
             {std::move(cpu), std::move(memory), std::move(disk), std::move(network),
              integer("pids", "processes and threads, at most", "4096", 1, 4194304),
              table("sysctl", "kernel parameters", "{net.core.somaxconn: 4096}",
                    node("*", SchemaType::scalar, "value of the parameter", "4096")),
              table("services", "services and the state they should be in", "{nginx: running}",
                    choice("*", "state of the service", {"running", "stopped", "enabled", "disabled", "masked"})),
              list("software", "packages that should be installed", "[{name: nginx}]", std::move(software)),
              list("data", "files that should be present", "[{path: /srv/base.bin, source: seed-store/base.bin}]",
                   std::move(data))});
}

SchemaNode behavior() {
  SchemaNode metric =
      map("*", "one metric, every series of it; values in its unit", "{distribution: normal, mean: 0.35, stddev: 0.10}",
          {choice("distribution",
                  "shape of ordinary values: normal and lognormal take mean and stddev, exponential mean, uniform min "
                  "and max, constant value",
                  {"normal", "lognormal", "exponential", "uniform", "constant"}),
           quantity("mean", "mean of the metric itself", "0.35", metric_dimensions),
           quantity("stddev", "standard deviation, above 0", "0.10", metric_dimensions),
           quantity("min", "lowest ordinary value", "0", metric_dimensions),
           quantity("max", "highest ordinary value", "1", metric_dimensions),
           quantity("value", "the value that never varies", "1", metric_dimensions),
           quantity("peak", "highest value expected in ordinary operation", "150MB/s", metric_dimensions),
           at_least(quantity("read_write_ratio", "reads for each write", "4", {Dimension::number}), 0),
           otherwise(boolean("ignore", "learned and shown, never a finding"), "false")});
  return table("behavior",
               "how the metrics of this persona behave: priors; a learned baseline that leaves them by more than "
               "drift.depart is itself a finding",
               "{system.cpu.utilization: {distribution: normal, mean: 0.35, stddev: 0.10}}", std::move(metric),
               TextFormat::metric);
}

SchemaNode allow_deny(std::string_view key, std::string_view description, std::string_view example, TextFormat format) {
  return map(key, description, example,
             {texts("allow", "what is expected; anything else is a finding", example, format),
              texts("deny", "what is always a finding, and never learned away", example, format)});
}

SchemaNode security() {
  return map("security", "what the instance may do; deny lists are never learned away",
             "{listen: {allow: [\"tcp/80\", \"tcp/443\"]}}",
             {allow_deny("executables", "programs that may run", "[/usr/sbin/nginx, \"/usr/bin/*\"]", TextFormat::path),
              allow_deny("listen", "sockets that may listen", "[\"tcp/80\", \"tcp/443\"]", TextFormat::listen),
              allow_deny("connect", "where connections may go", "[\"10.0.0.0/8:5432\"]", TextFormat::connect),
              map("files", "files that must not be touched", "{deny_write: [\"/etc/**\"]}",
                  {texts("deny_write", "writing here is a finding", "[\"/etc/**\", \"/usr/**\"]", TextFormat::path),
                   texts("deny_read", "reading here is a finding", "[/etc/shadow]", TextFormat::path)}),
              allow_deny("users", "users that may log in or run programs", "[deploy]", TextFormat::any),
              allow_deny("system_calls", "system calls that may be made", "[ptrace]", TextFormat::any),
              map("pending_security_updates", "security updates that wait to be installed", "{max: 10}",
                  {required(integer("max", "how many may wait", "10", 0, 100000))})});
}

SchemaNode drift() {
  SchemaNode limit =
      map("*", "one metric: at least one of min, max and change", "{max: 95%, over: 5m}",
          {quantity("min", "below it is a finding", "1GiB", metric_dimensions),
           quantity("max", "above it is a finding", "95%", metric_dimensions),
           quantity("change", "changing by more than this is a finding", "+50%", {Dimension::change}),
           duration("over", "how long min or max must be passed, or what change is measured against", "1h")});
  return map("drift", "how surprise becomes an alarm", "{false_alarms: 1/week, weights: {security: 5}}",
             {otherwise(quantity("false_alarms", "false alarms that are tolerated for one instance", "1/week",
                                 {Dimension::event_rate}),
                        "1/week"),
              otherwise(at_least(quantity("depart", "bits by which a learned baseline may leave what is declared", "1",
                                          {Dimension::number}),
                                 0),
                        "1"),
              table("weights",
                    "how much the surprise of a metric, subsystem (system.disk) or security counts, before calibration",
                    "{security: 5}",
                    otherwise(at_least(quantity("*", "factor on bits of surprise", "5", {Dimension::number}), 0), "1"),
                    TextFormat::metric),
              table("limits", "lines that are never crossed for long, whatever was learned",
                    "{system.memory.utilization: {max: 95%, over: 5m}}", std::move(limit), TextFormat::metric)});
}

SchemaNode activation() {
  SchemaNode rule =
      map("*", "one reason to apply", "{when: \"load.cpu > 0.6\", for: 5m}",
          {required(text("when", "expression over time, load, metrics and signals", "\"load.cpu > 0.6\"",
                         TextFormat::expression)),
           otherwise(duration("for", "how long it must hold", "5m"), "0s"),
           otherwise(duration("dwell", "how long the persona stays at least", "15m"), "0s"),
           otherwise(duration("lead", "how long before a forecast moment preparation begins", "10m"), "0s")});
  return list("activation", "when this persona applies: any entry suffices; none: by its place in the instance's list",
              "[{when: \"load.cpu > 0.6\", for: 5m}]", std::move(rule));
}

}  // namespace

SchemaNode persona_schema() {
  return map(
      "spec",
      "one versioned contract of what an instance is configured to be, how it normally behaves and what it may do",
      "{extends: [linux-server], drift: {false_alarms: 1/week}}",
      {texts("extends", "personas to build on, merged in order; two that contradict each other are an error",
             "[linux-server]", TextFormat::name),
       configuration(), behavior(), security(), drift(), activation()});
}

}  // namespace mien::model::detail
