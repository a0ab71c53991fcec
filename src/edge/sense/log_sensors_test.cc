#include "edge/sense/log_sensors.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

using model::FactKind;

constexpr WallTime now{1'700'000'000'000'000'000};

class LoginSensorTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root() + "/var/log"); }
  std::string root() const { return directory.path(); }
  std::string log(const char* name = "auth.log") const { return cat(root(), "/var/log/", name); }
  static void append(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::app) << text; }
  static std::string login_of(const char* user) {
    return cat("Nov 22 10:00:00 web-01 sshd[42]: Accepted publickey for ", user, " from 10.0.0.9 port 51514 ssh2\n");
  }
  // Who came in since the last look.
  static std::vector<std::string> came(LoginSensor& sensor, std::size_t most = 100) {
    std::vector<Sighting> seen;
    sensor.look(now, most, seen);
    std::vector<std::string> out;
    for (const Sighting& each : seen) out.push_back(cat(model::to_text(each.fact.kind), " ", each.fact.object));
    return out;
  }
  using Names = std::vector<std::string>;
  testing::TemporaryDirectory directory;
};

TEST_F(LoginSensorTest, FollowsTheLogThroughBothKindsOfRotation) {
  append(log(), login_of("before"));
  LoginSensor sensor(root());
  EXPECT_EQ(came(sensor), Names{}) << "what was there is history";
  append(log(), login_of("alice") +
                    "Nov 22 10:00:01 web-01 sudo:   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/id\n");
  EXPECT_EQ(came(sensor), (Names{"login alice", "sudo root"}));

  std::filesystem::rename(log(), log("auth.log.1"));
  append(log("auth.log.1"), login_of("bob"));
  append(log(), "");
  EXPECT_EQ(came(sensor), Names{"login bob"}) << "rsyslog was not told yet";
  append(log(), login_of("carol"));
  EXPECT_EQ(came(sensor), Names{"login carol"});

  std::filesystem::copy_file(log(), log("auth.log.2"));
  std::filesystem::resize_file(log(), 0);
  append(log(), login_of("dave") + login_of("erin"));
  EXPECT_EQ(came(sensor), (Names{"login dave", "login erin"}));
}

TEST_F(LoginSensorTest, ReadsTheLogOfRedHatToo) {
  append(log("secure"), "");
  LoginSensor sensor(root());
  append(log("secure"), login_of("alice"));
  EXPECT_EQ(came(sensor), Names{"login alice"});
  EXPECT_EQ(sensor.state().status, SensorState::Status::works);
  EXPECT_NE(sensor.state().mechanism.find("/var/log/secure ("), std::string::npos) << sensor.state().mechanism;
}

TEST_F(LoginSensorTest, ALogThatComesLaterIsReadWhole) {
  LoginSensor sensor(root());
  EXPECT_EQ(came(sensor), Names{});
  EXPECT_EQ(sensor.state().status, SensorState::Status::missing);
  EXPECT_NE(sensor.state().why.find("neither"), std::string::npos) << sensor.state().why;
  append(log(), login_of("alice"));
  EXPECT_EQ(came(sensor), Names{"login alice"});
  EXPECT_EQ(sensor.state().status, SensorState::Status::works);
}

TEST_F(LoginSensorTest, ALogThatMayNotBeReadIsNamedWithWhatToDo) {
  std::filesystem::create_directory(log());  // also root may not read this as a log
  LoginSensor sensor(root());
  EXPECT_EQ(sensor.state().status, SensorState::Status::missing);
  EXPECT_NE(sensor.state().why.find("/var/log/auth.log: "), std::string::npos) << sensor.state().why;
  EXPECT_NE(sensor.state().remedy.find("adm"), std::string::npos) << sensor.state().remedy;
}

TEST_F(LoginSensorTest, TellsNoMoreThanItIsAskedFor) {
  append(log(), "");
  LoginSensor sensor(root());
  for (const char* user : {"a", "b", "c"}) append(log(), login_of(user));
  EXPECT_EQ(came(sensor, 2).size(), 2U);
}

}  // namespace
}  // namespace mien::edge
