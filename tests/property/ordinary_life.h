// An invented, ordinary host, sample by sample: office hours, compiles on all cores, a nightly backup, package upgrades,
// cron, logins, log rotation and a weekly reboot, seen through about sixty heavy-tailed, correlated series.
// Nothing in it is wrong, so everything that is found in it is a false alarm.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/math.h"
#include "base/prng.h"
#include "base/time.h"
#include "model/telemetry.h"

namespace mien::testing {

class OrdinaryHost {
 public:
  static constexpr WallTime monday{1'700'438'400'000'000'000};  // 2023-11-20T00:00:00Z

  OrdinaryHost(std::uint64_t seed, double step) : random_(seed), step_(step) {
    auto add = [this](std::string metric, std::string key, std::string value, Recipe recipe) {
      model::Series series;
      series.metric = MetricName(std::move(metric));
      if (!key.empty()) series.attributes[key] = std::move(value);
      series_.push_back(std::move(series));
      recipes_.push_back(recipe);
      noise_.push_back(0);
    };
    //                                         idle   noise burst  office build backup apt   cron  login most
    add("system.cpu.utilization", "", "",      {0.02, 0.30, 0.02, 0.08, 0.93, 0.10, 0.45, 0.06, 0.01, 1.0});
    for (int core = 0; core < 8; ++core) {
      add("system.cpu.utilization", "cpu", std::to_string(core), {0.02, 0.60, 0.04, 0.08, 0.93, 0.10, 0.45, 0.06, 0.01, 1.0});
    }
    add("system.cpu.load_average.1m", "", "",  {0.10, 0.30, 0.05, 0.60, 9.00, 1.50, 1.20, 0.30, 0.05, 0});
    add("system.cpu.load_average.5m", "", "",  {0.10, 0.10, 0.01, 0.55, 8.00, 1.40, 0.80, 0.10, 0.02, 0});
    add("system.memory.utilization", "", "",   {0.35, 0.01, 0.00, 0.15, 0.25, 0.05, 0.05, 0.00, 0.01, 0.93});
    add("system.memory.usage", "state", "cached", {4e9, 0.01, 0.00, 1e9, 2e9, 3e9, 5e8, 0.00, 1e7, 0});
    add("system.paging.utilization", "", "",   {0.00, 0.00, 0.00, 0.00, 0.02, 0.00, 0.00, 0.00, 0.00, 1.0});
    for (const char* direction : {"in", "out"}) add("system.paging.operations", "direction", direction, {0.0, 0.0, 0.3, 0.0, 20, 2, 5, 0.0, 0.0, 0});
    add("system.paging.faults", "", "",        {300, 0.40, 200, 2000, 60000, 3000, 9000, 2000, 3000, 0});
    for (const char* device : {"sda", "sdb"}) {
      add("system.disk.io.read", "device", device,     {2e3, 0.80, 3e4, 2e5, 4e6, 9e7, 3e6, 1e5, 5e5, 0});
      add("system.disk.io.write", "device", device,    {4e4, 0.60, 6e4, 4e5, 2e7, 1e6, 2e7, 2e5, 1e5, 0});
      add("system.disk.operations.read", "device", device,  {0.3, 0.80, 3, 10, 200, 900, 150, 5, 30, 0});
      add("system.disk.operations.write", "device", device, {4.0, 0.50, 4, 20, 400, 60, 700, 10, 10, 0});
      add("system.disk.utilization", "device", device, {0.01, 0.50, 0.01, 0.03, 0.40, 0.85, 0.50, 0.02, 0.02, 1.0});
    }
    for (const char* mount : {"/", "/var", "/home"}) add("system.filesystem.utilization", "mountpoint", mount, {0.40, 0.00, 0.00, 0.01, 0.02, 0.00, 0.01, 0, 0, 0.94});
    for (const char* direction : {"receive", "transmit"}) {
      add("system.network.io", direction, "eth0",      {2e3, 0.70, 2e4, 3e5, 2e5, 4e7, 8e6, 1e4, 5e4, 0});
      add("system.network.packets", direction, "eth0", {10, 0.60, 40, 300, 200, 30000, 6000, 20, 80, 0});
      add("system.network.errors", direction, "eth0",  {0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
      add("system.network.dropped", direction, "eth0", {0, 0, 0.02, 0, 0, 1, 0, 0, 0, 0});
    }
    for (const char* state : {"established", "time_wait", "listen"}) add("system.network.connections", "state", state, {12, 0.05, 0.5, 20, 3, 4, 6, 1, 2, 0});
    add("system.processes.count", "", "",      {180, 0.01, 0.5, 25, 60, 5, 12, 4, 6, 0});
    add("system.processes.running", "", "",    {1.0, 0.30, 0.3, 0.5, 12, 1.5, 1.5, 0.5, 0.2, 0});
    add("system.processes.blocked", "", "",    {0.0, 0.0, 0.05, 0.0, 1.0, 2.0, 1.0, 0.0, 0.0, 0});
    add("system.processes.created", "", "",    {0.5, 0.50, 1.0, 4.0, 120, 2.0, 60, 5.0, 8.0, 0});
    for (const char* resource : {"cpu", "io", "memory"}) add("system.pressure.some", "resource", resource, {0.00, 0.50, 0.002, 0.002, 0.25, 0.30, 0.10, 0.01, 0.0, 1.0});
    add("system.context_switches", "", "",     {800, 0.20, 300, 2500, 30000, 15000, 8000, 900, 500, 0});
    add("system.interrupts", "", "",           {400, 0.20, 200, 1500, 9000, 20000, 7000, 300, 300, 0});
    add("system.entropy", "", "",              {256, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    add("system.users", "", "",                {0, 0, 0, 1, 0, 0, 0, 0, 1, 0});
    batch_.times.resize(1);
    batch_.values.resize(series_.size());
    for (std::size_t i = 0; i < series_.size(); ++i) batch_.series.push_back(static_cast<model::SeriesIndex>(i));
  }

  [[nodiscard]] const std::vector<model::Series>& series() const { return series_; }

  // The next row. A reboot leaves a gap of 90 s.
  const model::Batch& next() {
    double day_second = to_seconds(now_ - monday) - 86400.0 * day();
    if (day() % 7 == 2 && rebooted_ != day() && day_second > 12.5 * 3600) {
      rebooted_ = day();
      now_ = now_ + from_seconds(90);
      since_boot_ = 0;
    }
    since_boot_ += step_;
    act(day_second);
    batch_.times[0] = now_;
    for (std::size_t i = 0; i < series_.size(); ++i) batch_.values[i] = value_of(i);
    now_ = now_ + from_seconds(step_);
    return batch_;
  }

 private:
  // What each activity adds to a series; `noise` and `burst` are how it jitters, `most` where it saturates.
  struct Recipe {
    double idle, noise, burst, office, build, backup, apt, cron, login, most;
  };

  [[nodiscard]] int day() const { return static_cast<int>(to_seconds(now_ - monday) / 86400.0); }
  // True about once in `every` seconds.
  bool happens(double every) { return random_.chance(step_ / every); }

  void act(double s) {
    bool working = day() % 7 < 5 && s > 8 * 3600 && s < 18 * 3600;
    office_ += step_ / 900 * ((working ? 0.5 + 0.5 * math::sin(3.14159 * (s - 8 * 3600) / 36000) : 0.02) - office_);
    office_noise_ += step_ / 120 * (random_.normal() * 0.3 - office_noise_);
    auto start = [&](double& left, double least, double most) { left = least + (most - least) * random_.uniform(); };
    for (double* left : {&build_, &backup_, &apt_, &cron_, &login_}) *left = std::max(0.0, *left - step_);
    if (working && build_ <= 0 && happens(5400)) start(build_, 60, 2400);
    if (s > 2 * 3600 && backed_up_ != day()) {
      backed_up_ = day();
      start(backup_, 1800, 3600);
    }
    if (s > 6.4 * 3600 && upgraded_ != day()) {
      upgraded_ = day();
      start(apt_, 60, 400);
    }
    if (working && happens(6 * 86400)) start(apt_, 60, 300);
    if (std::fabs(s - 3600 * std::floor(s / 3600) - 1020) < step_) start(cron_, 5, 40);
    if (happens(working ? 3600 : 20000)) start(login_, 5, 60);
    auto follow = [&](double& level, bool on) { level += std::min(1.0, step_ / 4) * ((on ? 1.0 : 0.0) - level); };
    follow(levels_[0], build_ > 0);
    follow(levels_[1], backup_ > 0);
    follow(levels_[2], apt_ > 0);
    follow(levels_[3], cron_ > 0);
    follow(levels_[4], login_ > 0);
    shared_ = random_.chance(0.03) ? random_.exponential() * random_.exponential() : 0.8 * shared_;
  }

  double value_of(std::size_t i) {
    const Recipe& r = recipes_[i];
    noise_[i] += std::min(1.0, step_ / 30) * (random_.normal() - noise_[i]) + 0.05 * random_.normal();
    double office = std::max(0.0, office_ * (1 + office_noise_));
    double x = r.idle + r.office * office + r.build * levels_[0] + r.backup * levels_[1] + r.apt * levels_[2] + r.cron * levels_[3] + r.login * levels_[4];
    if (since_boot_ < 120) x += 0.3 * r.apt;  // starting up
    x *= math::exp(r.noise * noise_[i]);
    x += r.burst * (shared_ + (random_.chance(0.01) ? 2 * random_.exponential() * random_.exponential() : 0));
    if (r.most > 0) x = std::min(x, r.most);
    return x;
  }

  Prng random_;
  double step_;
  WallTime now_ = monday;
  std::vector<model::Series> series_;
  std::vector<Recipe> recipes_;
  std::vector<double> noise_;
  model::Batch batch_;
  double office_ = 0, office_noise_ = 0, build_ = 0, backup_ = 0, apt_ = 0, cron_ = 0, login_ = 0, shared_ = 0, since_boot_ = 1e6;
  std::array<double, 5> levels_{};
  int rebooted_ = -1, backed_up_ = -1, upgraded_ = -1;
};

}  // namespace mien::testing
