#include "edge/guests/guests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>

#include "edge/clock.h"
#include "tests/support/fake_tree.h"

namespace mien::edge {
namespace {

using Status = SensorState::Status;

// libvirt's own driver for tests: one guest named "test", in the memory of this process.
constexpr const char* test_driver = "test:///default";

// The tests' programs lie in a folder of the one where modules are built.
std::string modules() { return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path().string(); }

// Ticks until guests are told or something is wrong.
const std::vector<model::InstanceReadings>& look_until_told(Guests& guests, MonoTime& now) {
  for (;;) {
    now = now + 1s;
    const auto& told = guests.look(now);
    if (!told.empty() || guests.state().status == Status::missing) return told;
    std::this_thread::yield();
  }
}

TEST(Guests, OfLibvirtsTestDriverAreToldWithTheirUuid) {
  auto guests = Guests::start({.host = "vmhost-01", .libvirt = test_driver, .module_folder = modules()});
  MonoTime now = mono_now();
  const auto& told = look_until_told(*guests, now);
  ASSERT_EQ(told.size(), 1U) << guests->state().why;
  EXPECT_EQ(told[0].instance.value, "test-test@vmhost-01");
  EXPECT_EQ(told[0].type, model::InstanceType::guest);
  EXPECT_EQ(told[0].identities.at("host.uuid").size(), 36U);
  ASSERT_GE(told[0].readings.size(), 3U);
  EXPECT_FALSE(std::isnan(told[0].readings[0].value));
  EXPECT_EQ(guests->state().status, Status::works);
  EXPECT_EQ(guests->state().mechanism, "libvirt test:///default");
}

TEST(Guests, AreMissingAndKeepTheirPlacesUntilTheyAreToldAnew) {
  auto guests = Guests::start({.host = "h", .libvirt = test_driver, .module_folder = modules()});
  MonoTime now = mono_now();
  std::size_t readings = look_until_told(*guests, now)[0].readings.size();
  constexpr MonoTime nothing_is_due{1};
  auto missing = [&] {
    const auto& told = guests->look(nothing_is_due);
    EXPECT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].readings.size(), readings);
    return std::all_of(told[0].readings.begin(), told[0].readings.end(),
                       [](const model::Reading& each) { return std::isnan(each.value); });
  };
  // The look that was told may have asked again, and that answer may be here by now; there is no second one.
  EXPECT_TRUE(missing() || missing());
}

TEST(Guests, AConnectionThatCanNotBeMadeIsSaid) {
  auto guests = Guests::start({.host = "h", .libvirt = "test:///no/such/file.xml", .module_folder = modules()});
  MonoTime now = mono_now();
  EXPECT_TRUE(look_until_told(*guests, now).empty());
  EXPECT_EQ(guests->state().status, Status::missing);
  EXPECT_NE(guests->state().why.find("no/such/file.xml"), std::string::npos) << guests->state().why;
  EXPECT_NE(guests->state().remedy.find("libvirt: off"), std::string::npos);
}

TEST(Guests, AreNotLookedForWhereNoLibvirtRuns) {
  testing::FakeTree nothing;
  GuestOptions options{.host = "h", .run_root = nothing.path("")};
  EXPECT_EQ(probe_guests(options).status, Status::works);
  EXPECT_NE(probe_guests(options).mechanism.find("no libvirt runs here"), std::string::npos);
  auto guests = Guests::start(options);
  EXPECT_TRUE(guests->look(MonoTime{1}).empty());
  options.libvirt = "off";
  EXPECT_NE(Guests::start(options)->state().mechanism.find("libvirt: off"), std::string::npos);
}

TEST(Guests, WithoutTheModuleTheDoctorNamesThePackage) {
  testing::FakeTree tree;
  tree.write("run/libvirt/libvirt-sock-ro", "");
  SensorState state = probe_guests({.host = "h", .module_folder = tree.path("empty"), .run_root = tree.path("run")});
  EXPECT_EQ(state.status, Status::missing);
  EXPECT_NE(state.why.find("mien-libvirt.so"), std::string::npos) << state.why;
  EXPECT_NE(state.remedy.find("mien-libvirt"), std::string::npos);
}

}  // namespace
}  // namespace mien::edge
