// The sensors on the kernel that runs this test, by the best way and by the others. Where a way does not work here the
// sensor has to say why, and that is what is tested then.
#include "edge/sense/sense.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "base/text.h"
#include "edge/clock.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

using model::FactKind;
using ::testing::HasSubstr;

constexpr Duration hung = 30s;

// A program that lives until its input ends.
class Child {
 public:
  explicit Child(const std::string& program) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions{};
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    std::string name = program;
    char* arguments[] = {name.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[0]);
    input_ = ends[1];
  }
  ~Child() {
    ::close(input_);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] std::uint32_t pid() const { return static_cast<std::uint32_t>(pid_); }

 private:
  pid_t pid_ = 0;
  int input_ = -1;
};

class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address_), size), 0);
    EXPECT_EQ(::listen(socket_, 512), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  [[nodiscard]] std::string port() const { return std::to_string(ntohs(address_.sin_port)); }
  [[nodiscard]] int connect() const {
    int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address_), sizeof address_), 0);
    return client;
  }

 private:
  int socket_;
  sockaddr_in address_{};
};

class senses : public ::testing::TestWithParam<bool> {
 protected:
  senses() {
    std::filesystem::create_directories(directory_.path() + "/watched/deep");
    std::filesystem::create_directories(directory_.path() + "/free");
    std::ofstream(directory_.path() + "/secret") << "not read\n";
    senses_ = Senses::start({.host = "h",
                             .identities = {},
                             .settings = {.sensors = true,
                                          .ebpf = GetParam(),
                                          .writes_below = {directory_.path() + "/watched"},
                                          .reads_of = {directory_.path() + "/secret"}}});
    look();
  }

  // Whether the sensor works here; when not, that it says why and what to do.
  bool works(const std::string& name) {
    for (const SensorState& each : senses_->states()) {
      if (each.name != name) continue;
      if (each.status == SensorState::Status::works) return true;
      EXPECT_FALSE(each.why.empty()) << name;
      EXPECT_FALSE(each.remedy.empty()) << name;
      std::cout << name << ": " << (each.mechanism.empty() ? "does not work here" : each.mechanism) << "; " << each.why
                << '\n';
      return each.status == SensorState::Status::limited;
    }
    ADD_FAILURE() << "no sensor " << name;
    return false;
  }

  void look() {
    auto owner = [](std::string_view) { return Owner{.name = InstanceName("h"), .type = model::InstanceType::host}; };
    for (const wire::InstanceFacts& each : senses_->look(wall_now(), mono_now(), owner))
      facts_.insert(facts_.end(), each.facts.begin(), each.facts.end());
  }

  // The fact with this object. A way that asks a thread may need another look.
  std::optional<model::SecurityFact> seen(FactKind kind, const std::string& object) {
    for (MonoTime began = mono_now(); mono_now() - began < hung; std::this_thread::yield()) {
      look();
      for (const model::SecurityFact& each : facts_)
        if (each.kind == kind && each.object == object) return each;
    }
    return std::nullopt;
  }

  testing::TemporaryDirectory directory_;
  std::unique_ptr<Senses> senses_;
  std::vector<model::SecurityFact> facts_;
};

TEST_P(senses, a_program_that_was_never_executed_before_is_seen_with_its_user_and_parents) {
  if (!works("executions")) return;
  std::string program = directory_.path() + "/unseen";
  std::filesystem::copy_file("/bin/cat", program);
  Child child(program);
  auto fact = seen(FactKind::execution, program);
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->pid, child.pid());
  EXPECT_THAT(fact->parents, HasSubstr("edge_test"));
  EXPECT_THAT(fact->process, HasSubstr("edge_test"));
  EXPECT_FALSE(fact->user.empty());
  EXPECT_LT(wall_now() - fact->at, hung);
}

TEST_P(senses, a_new_listener_and_a_connection_to_it_are_seen) {
  if (!works("listeners") || !works("connections")) return;
  Listener listener;
  auto listens = seen(FactKind::listener, "tcp/" + listener.port());
  ASSERT_TRUE(listens);
  EXPECT_EQ(listens->detail, "127.0.0.1");
  EXPECT_THAT(listens->process, HasSubstr("edge_test"));
  EXPECT_EQ(listens->pid, static_cast<std::uint32_t>(::getpid()));
  int client = listener.connect();
  auto connects = seen(FactKind::connection, "127.0.0.1:" + listener.port());
  ASSERT_TRUE(connects);
  EXPECT_EQ(connects->detail, "tcp");
  EXPECT_EQ(connects->pid, static_cast<std::uint32_t>(::getpid()));
  ::close(client);
}

TEST_P(senses, what_is_opened_for_writing_below_a_watched_directory_is_seen_and_nothing_else) {
  if (!works("writes")) return;
  std::ofstream(directory_.path() + "/free/b") << "x";
  std::ofstream(directory_.path() + "/watched/deep/a") << "x";
  auto fact = seen(FactKind::write, directory_.path() + "/watched/deep/a");
  ASSERT_TRUE(fact);
  EXPECT_THAT(fact->process, HasSubstr("edge_test"));
  for (const model::SecurityFact& each : facts_) {
    if (each.kind == FactKind::write) {
      EXPECT_THAT(each.object, HasSubstr("/watched/"));
    }
  }
}

TEST_P(senses, a_look_at_a_sensitive_file_is_seen) {
  if (!works("sensitive-reads")) return;
  std::ifstream file(directory_.path() + "/secret");
  ASSERT_TRUE(file.good());
  EXPECT_TRUE(seen(FactKind::sensitive_read, directory_.path() + "/secret"));
}

TEST_P(senses, system_calls_are_counted_and_each_is_told_once) {
  if (!works("system-calls")) return;
  for (int i = 0; i < 1000; ++i) static_cast<void>(::getpriority(PRIO_PROCESS, 0));
  auto told = seen(FactKind::system_call, "getpriority");
  ASSERT_TRUE(told);
  EXPECT_THAT(told->process, HasSubstr("edge_test"));
  static_cast<void>(::getpriority(PRIO_PROCESS, 0));
  look();
  EXPECT_EQ(std::count_if(facts_.begin(), facts_.end(), [](const auto& each) { return each.object == "getpriority"; }),
            1);
  bool counted = false;
  for (const model::InstanceReadings& each : senses_->counted())
    for (const model::Reading& reading : each.readings)
      counted = counted || (reading.series.metric.value == "mien.syscall.count" && reading.value >= 1000);
  EXPECT_TRUE(counted);
}

TEST_P(senses, what_is_known_is_counted_all_of_it) {
  if (!GetParam() || !works("connections")) return;
  auto connections = [&] {
    look();
    for (const model::InstanceReadings& each : senses_->counted())
      for (const model::Reading& reading : each.readings)
        if (reading.series.metric.value == "mien.connection.count") return reading.value;
    return -1.0;
  };
  Listener listener;
  double before = connections();
  ASSERT_GE(before, 0);
  for (int i = 0; i < 500; ++i) ::close(listener.connect());
  EXPECT_GE(connections() - before, 500) << "most of them were told as one";
}

TEST_P(senses, a_storm_of_the_same_is_told_in_few_facts_with_a_count) {
  if (!GetParam() || !works("connections")) return;
  Listener listener;
  std::vector<int> clients;
  for (int i = 0; i < 200; ++i) {
    int client = listener.connect();
    ::close(client);
    if (i % 2 == 0) look();
  }
  look();
  std::size_t told = 0;
  for (const model::SecurityFact& each : facts_)
    if (each.kind == FactKind::connection && each.object == "127.0.0.1:" + listener.port()) ++told;
  EXPECT_GE(told, 1U);
  EXPECT_LE(told, 20U) << "about one a second";
}

TEST_P(senses, bytes_that_a_service_sends_and_receives_are_its_traffic) {
  if (!works("traffic-of-services")) return;
  auto of_service = [](std::string_view) {
    return Owner{.name = InstanceName("a.service@h"), .type = model::InstanceType::service};
  };
  auto traffic = [&](const char* direction) {
    senses_->look(wall_now(), mono_now(), of_service);
    for (const model::InstanceReadings& each : senses_->counted())
      for (const model::Reading& reading : each.readings)
        if (model::to_text(reading.series) == cat("system.network.io{direction=", direction, "}")) return reading.value;
    return 0.0;
  };
  int from = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), to = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(to, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(to, reinterpret_cast<sockaddr*>(&address), &size), 0);
  double sent = traffic("transmit"), received = traffic("receive");
  std::vector<char> bytes(60'000);
  constexpr int times = 500;
  // The sockets have no peer, so the kernel does not know that these bytes stay here.
  for (int i = 0; i < times; ++i) {
    ASSERT_EQ(::sendto(from, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&address), size), 60'000);
    ASSERT_EQ(::recv(to, bytes.data(), bytes.size(), MSG_PEEK), 60'000);
    ASSERT_EQ(::recv(to, bytes.data(), bytes.size(), 0), 60'000);
  }
  EXPECT_GE(traffic("transmit") - sent, 60e3 * times);
  EXPECT_GE(traffic("receive") - received, 60e3 * times);
  EXPECT_LT(traffic("receive") - received, 1.5 * 60e3 * times) << "what was looked at is counted twice";
  sent = traffic("transmit");
  ASSERT_EQ(::connect(from, reinterpret_cast<sockaddr*>(&address), size), 0);
  for (int i = 0; i < times; ++i) {
    ASSERT_EQ(::send(from, bytes.data(), bytes.size(), 0), 60'000);
    ASSERT_EQ(::recv(to, bytes.data(), bytes.size(), 0), 60'000);
  }
  EXPECT_LT(traffic("transmit") - sent, 0.5 * 60e3 * times) << "what stays on this machine is no traffic";
  ::close(from);
  ::close(to);
}

INSTANTIATE_TEST_SUITE_P(by, senses, ::testing::Bool(),
                         [](const auto& way) { return way.param ? "ebpf" : "the_other_ways"; });

TEST(switched_off_senses, that_are_switched_off_see_nothing_and_say_so) {
  auto off = Senses::start({.host = "h", .identities = {}, .settings = {.sensors = false}});
  ASSERT_EQ(off->states().size(), 1U);
  EXPECT_THAT(off->states()[0].why, HasSubstr("sensors: false"));
  auto owner = [](std::string_view) { return Owner{.name = InstanceName("h"), .type = model::InstanceType::host}; };
  EXPECT_TRUE(off->look(wall_now(), mono_now(), owner).empty());
}

}  // namespace
}  // namespace mien::edge
