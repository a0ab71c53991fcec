#include "edge/process/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <future>

namespace mien::edge {
namespace {

constexpr Duration patience = 60s;  // only says "hung"

SpawnOptions shell(std::string script) {
  return SpawnOptions{.arguments = {"-c", std::move(script)}, .program = "/bin/sh"};
}

TEST(Process, ItsEndIsAValue) {
  auto child = spawn_self(shell("exit 7"));
  ASSERT_TRUE(child.ok()) << child.error().to_string();
  auto ended = (*child)->wait(patience);
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->status, 7);
  EXPECT_EQ(ended->to_text(), "exited with status 7");
  EXPECT_EQ((*child)->wait(Duration{0})->status, 7);  // asked again
}

TEST(Process, ARunningOneIsWaitedForNoLongerThanAsked) {
  auto child = spawn_self(shell("exec sleep 600")).value();
  EXPECT_FALSE(child->wait(1ms).has_value());
  child->signal(SIGKILL);
  EXPECT_EQ(child->wait(patience)->signal, SIGKILL);
}

TEST(Process, ADestroyedOneHasEnded) {
  auto child = spawn_self(shell("exec sleep 600")).value();
  pid_t id = child->id();
  child.reset();
  EXPECT_EQ(::kill(id, 0), -1);
}

TEST(Process, AProgramThatIsNotThereSaysSo) {
  auto child = spawn_self(SpawnOptions{.arguments = {}, .program = "/no/such/program"}).value();
  EXPECT_EQ(child->wait(patience)->status, 127);
}

TEST(Process, TheChildEndsWhenItsParentIsKilled) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  pid_t parent = ::fork();
  if (parent == 0) {
    // The grandchild holds the pipe open for as long as it lives.
    auto child = spawn_self(shell("exec sleep 600"));
    char ready = child ? 'y' : 'n';
    [[maybe_unused]] ssize_t ignored = ::write(ends[1], &ready, 1);
    while (true) ::pause();
  }
  ::close(ends[1]);
  char ready = 0;
  ASSERT_EQ(::read(ends[0], &ready, 1), 1);
  EXPECT_EQ(ready, 'y');
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_EQ(::read(ends[0], &ready, 1), 0);  // the end of the pipe: the grandchild is gone too
  ::close(ends[0]);
}

TEST(StopWatch, TurnsSignalsIntoCallsAndSeesTheChildEnd) {
  auto child = spawn_self(shell("exec sleep 600")).value();
  std::promise<StopReason> signalled;
  std::promise<StopReason> ended;
  auto watch = StopWatch::start(child.get(),
                                [&](StopReason reason) { (reason.child_ended ? ended : signalled).set_value(reason); });
  ASSERT_TRUE(watch.ok()) << watch.error().to_string();
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ(signalled.get_future().get().signal, SIGTERM);
  child->signal(SIGKILL);
  EXPECT_TRUE(ended.get_future().get().child_ended);
  EXPECT_EQ(child->wait(patience)->signal, SIGKILL);
}

}  // namespace
}  // namespace mien::edge
