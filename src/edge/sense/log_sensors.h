// Sensors that read what the system writes down anyway: logins and sudo (the journal, else auth.log or secure), changes
// of packages (dpkg.log), and how many security updates wait. Nothing here runs a program. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/sense/log_tail.h"
#include "edge/sense/sensor.h"

struct sd_journal;

namespace mien::edge {

// The journal where it can be read: it says when, and outlives a syslog daemon that was taken away and left its files.
// Else the logs that syslog daemons write, Debian's and Red Hat's; both are followed, also when they come later.
class LoginSensor final : public Sensor {
 public:
  explicit LoginSensor(const std::string& log_root);
  ~LoginSensor() override;
  LoginSensor(const LoginSensor&) = delete;
  LoginSensor& operator=(const LoginSensor&) = delete;
  void look(WallTime now, std::size_t most, std::vector<Sighting>& out) override;
  [[nodiscard]] SensorState state() const;

 private:
  void open_journal();
  void look_journal(WallTime now, std::size_t most, std::vector<Sighting>& out);
  std::vector<std::unique_ptr<LogTail>> logs_;  // none where the journal is read
  sd_journal* journal_ = nullptr;
  std::string no_journal_;  // why it is not read
  bool unread_ = false;     // the last look left entries
};

class PackageSensor final : public Sensor {
 public:
  explicit PackageSensor(std::string log_root);
  void look(WallTime now, std::size_t most, std::vector<Sighting>& out) override;
  [[nodiscard]] SensorState state() const;
  // Packages of which the archive's security part has a newer version than is installed, as far as the lists that apt
  // last fetched say. Nothing where there are no such lists. Reads them anew once an hour, and after a change of
  // packages.
  [[nodiscard]] std::optional<double> pending_security_updates(MonoTime now);

 private:
  [[nodiscard]] std::optional<double> count_pending() const;
  std::string log_root_;
  LogTail log_;
  std::optional<double> pending_;
  std::optional<MonoTime> counted_;
  bool changed_ = false;
};

}  // namespace mien::edge
