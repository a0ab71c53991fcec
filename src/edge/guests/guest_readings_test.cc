#include "edge/guests/guest_readings.h"

#include <gtest/gtest.h>

namespace mien::edge {
namespace {

using model::Reading;

GuestStats database() {
  return {.name = "db",
          .uuid = "6695EB01-f6a4-8304-79aa-97f2502e193f",
          .numbers = {{"state.state", 1},
                      {"cpu.time", 5e9},
                      {"cpu.user", 1e9},
                      {"vcpu.current", 2},
                      {"vcpu.0.delay", 1e9},
                      {"vcpu.1.delay", 2e9},
                      {"balloon.current", 2048},
                      {"balloon.available", 1000},
                      {"balloon.usable", 250},
                      {"balloon.unused", 100},
                      {"balloon.rss", 1500},
                      {"balloon.swap_in", 8},
                      {"balloon.swap_out", 4},
                      {"block.count", 1},
                      {"block.0.rd.bytes", 4096},
                      {"block.0.rd.times", 3e9},
                      {"net.count", 1},
                      {"net.0.rx.bytes", 77},
                      {"net.0.tx.drop", 3}},
          .texts = {{"block.0.name", "vda"}, {"net.0.name", "vnet17"}}};
}

const Reading* find(const model::InstanceReadings& guest, std::string_view series) {
  for (const Reading& each : guest.readings)
    if (model::to_text(each.series) == series) return &each;
  return nullptr;
}
double value(const model::InstanceReadings& guest, std::string_view series) {
  const Reading* reading = find(guest, series);
  EXPECT_NE(reading, nullptr) << series;
  return reading == nullptr ? model::missing : reading->value;
}

TEST(GuestReadings, AreThoseOfAnInstanceOnItsHost) {
  model::InstanceReadings guest = readings_of_guest(database(), "QEMU", "vmhost-01");
  EXPECT_EQ(guest.instance.value, "qemu-db@vmhost-01") << "as its control group is called";
  EXPECT_EQ(guest.type, model::InstanceType::guest);
  EXPECT_EQ(guest.parent.value, "vmhost-01");
  EXPECT_EQ(guest.identities.at("host.uuid"), "6695eb01-f6a4-8304-79aa-97f2502e193f");
}

TEST(GuestReadings, SayWhatTheGuestItselfWouldSay) {
  model::InstanceReadings guest = readings_of_guest(database(), "QEMU", "vmhost-01");
  const Reading* cpu = find(guest, "system.cpu.utilization");
  ASSERT_NE(cpu, nullptr);
  EXPECT_EQ(cpu->kind, Reading::Kind::busy);
  EXPECT_DOUBLE_EQ(cpu->value, 5);
  EXPECT_DOUBLE_EQ(cpu->capacity, 2) << "of its own processors, not of the host's";
  EXPECT_DOUBLE_EQ(value(guest, "system.cpu.time{cpu.mode=steal}"), 3);
  EXPECT_DOUBLE_EQ(value(guest, "system.memory.usage{state=used}"), 750 * 1024);
  EXPECT_DOUBLE_EQ(value(guest, "system.memory.utilization"), 0.75);
  EXPECT_DOUBLE_EQ(value(guest, "mien.guest.memory.limit"), 2048 * 1024);
  EXPECT_DOUBLE_EQ(value(guest, "mien.guest.memory.resident"), 1500 * 1024);
  EXPECT_DOUBLE_EQ(value(guest, "system.paging.operations{direction=in}"), 2);
  EXPECT_DOUBLE_EQ(value(guest, "system.disk.io{device=vda,direction=read}"), 4096);
  EXPECT_DOUBLE_EQ(value(guest, "system.disk.operation_time{device=vda,direction=read}"), 3);
  EXPECT_DOUBLE_EQ(value(guest, "system.network.io{device=net0,direction=receive}"), 77)
      << "the host's name for it changes with each start";
  EXPECT_DOUBLE_EQ(value(guest, "mien.guest.running"), 1);
}

TEST(GuestReadings, AreOnlyThoseOfWhatIsKnown) {
  model::InstanceReadings guest = readings_of_guest(
      {.name = "old one", .uuid = "none", .numbers = {{"state.state", 3}, {"cpu.time", 1e9}}, .texts = {}}, "Test",
      "h");
  EXPECT_EQ(guest.instance.value, "test-old_one@h");
  EXPECT_TRUE(guest.identities.empty());
  EXPECT_EQ(guest.readings.size(), 2U);
  EXPECT_DOUBLE_EQ(value(guest, "mien.guest.running"), 0);
  EXPECT_DOUBLE_EQ(find(guest, "system.cpu.utilization")->capacity, 1);
}

TEST(GuestReadings, NeverHaveMoreThanSixteenDisks) {
  GuestStats many{.name = "many", .uuid = {}, .numbers = {{"block.count", 1e18}}, .texts = {}};
  for (int i = 0; i < 20; ++i) {
    many.numbers["block." + std::to_string(i) + ".rd.bytes"] = 1;
    many.texts["block." + std::to_string(i) + ".name"] = "vd" + std::to_string(i);
  }
  EXPECT_EQ(readings_of_guest(many, "QEMU", "h").readings.size(), most_guest_devices);
  many.numbers["block.count"] = -1;
  EXPECT_TRUE(readings_of_guest(many, "QEMU", "h").readings.empty());
}

}  // namespace
}  // namespace mien::edge
