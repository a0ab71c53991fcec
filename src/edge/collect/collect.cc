#include "edge/collect/collect.h"

#include "edge/collect/cgroup_metrics.h"

namespace mien::edge {
namespace {

class KernelCollector final : public HostCollector {
 public:
  explicit KernelCollector(CollectOptions options)
      : host_(options.proc_root, options.sys_root,
              {.filesystem = std::move(options.filesystem_probe), .sockets = std::move(options.socket_probe)},
              problems_),
        cgroups_({.proc = options.proc_root, .sys = options.sys_root}, options.host, problems_) {
    model::InstanceReadings& host = instances_.emplace_back();
    host.instance = InstanceName(std::move(options.host));
    host.type = model::InstanceType::host;
    host.identities = std::move(options.identities);
  }

  const std::vector<model::InstanceReadings>& collect(MonoTime now) override {
    bool host_changed = host_.read(now, buffer_, instances_.front().readings);
    bool cgroups_changed = cgroups_.read(now, host_.cpus(), buffer_, instances_);
    if (host_changed || cgroups_changed) ++layout_;
    return instances_;
  }
  std::uint64_t layout() const override { return layout_; }
  const std::vector<std::string>& problems() const override { return problems_.texts(); }
  std::uint64_t ended() const override { return cgroups_.ended(); }
  std::uint64_t cut() const override { return host_.cut(); }
  Owner owner(std::string_view group) const override {
    CgroupMetrics::Unit unit = cgroups_.unit_of(group);
    const std::string& host = instances_.front().instance.value;
    if (unit.name.empty()) return {.name = instances_.front().instance, .type = model::InstanceType::host};
    return {.name = InstanceName(unit.name + "@" + host), .type = unit.type};
  }

 private:
  ProblemList problems_;
  ReadBuffer buffer_;
  HostMetrics host_;
  CgroupMetrics cgroups_;
  std::vector<model::InstanceReadings> instances_;
  std::uint64_t layout_ = 0;
};

}  // namespace

Result<std::unique_ptr<HostCollector>> HostCollector::open(CollectOptions options) {
  if (options.host.empty()) {
    return Error{
        .code = Code::invalid, .message = "a collector needs the name of its host", .where = {}, .cause = nullptr};
  }
  std::string stat = options.proc_root + "/stat";
  auto text = read_text(stat);
  if (!text || !parse_stat(*text)) {
    return Error{.code = Code::unavailable,
                 .message = "no CPU times to read here: is the proc filesystem mounted? (mount -t proc proc /proc)",
                 .where = stat,
                 .cause = nullptr};
  }
  return std::unique_ptr<HostCollector>(std::make_unique<KernelCollector>(std::move(options)));
}

}  // namespace mien::edge
