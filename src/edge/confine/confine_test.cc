#include "edge/confine/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/text.h"
#include "edge/testing/temporary_directory.h"

namespace mien::edge {
namespace {

// Runs `body` in a child, because what it does cannot be undone, and returns what it wrote.
std::string in_child(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    std::string said = body();
    ssize_t written = ::write(ends[1], said.data(), said.size());
    ::_exit(written == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string heard;
  std::array<char, 1024> chunk{};
  for (ssize_t count = 0; (count = ::read(ends[0], chunk.data(), chunk.size())) > 0;)
    heard.append(chunk.data(), static_cast<std::size_t>(count));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status << ": " << heard;
  return heard;
}

std::string confined(const ConfineOptions& options, const std::function<std::string()>& body) {
  return in_child([&] {
    auto done = confine_manager(options);
    return done ? body() : done.error().to_string();
  });
}

std::string outcome(long result) { return result >= 0 ? "done" : std::strerror(errno); }

class Confine : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "ThreadSanitizer has a thread of its own: no process can be confined beside it";
#endif
  }
};

TEST_F(Confine, TheDataDirectoryCanBeWrittenAndReadAndRenamedIn) {
  testing::TemporaryDirectory home;
  std::string data = home.path() + "/data";
  EXPECT_EQ(confined({.data_directory = data},
                     [&]() -> std::string {
                       std::filesystem::create_directory(data + "/keys");
                       std::ofstream(data + "/keys/a") << "kept";
                       std::filesystem::rename(data + "/keys/a", data + "/b");
                       std::string text;
                       std::ifstream(data + "/b") >> text;
                       return text;
                     }),
            "kept");
}

TEST_F(Confine, NothingElseCanBeReadWrittenOrMadeWhereTheKernelHasLandlock) {
  testing::TemporaryDirectory home;
  std::ofstream(home.path() + "/outside") << "secret";
  std::string data = home.path() + "/data";
  std::string heard = confined({.data_directory = data}, [&] {
    return cat(outcome(::open("/etc/shadow", O_RDONLY)), '|',
               outcome(::open((home.path() + "/outside").c_str(), O_RDONLY)), '|',
               outcome(::open((home.path() + "/new").c_str(), O_WRONLY | O_CREAT, 0600)), '|',
               outcome(::open("/etc/hosts", O_RDONLY)));
  });
  // Without Landlock only the last holds; that it is lacking is in the report (next test).
  std::string expected = landlock_version() > 0 ? "Permission denied|Permission denied|Permission denied|done" : heard;
  EXPECT_EQ(heard, expected);
  EXPECT_EQ(heard.substr(heard.rfind('|')), "|done");
}

TEST_F(Confine, TheReportSaysWhatIsInForceAndWhatIsLacking) {
  testing::TemporaryDirectory home;
  std::string heard = in_child([&] {
    auto done = confine_manager({.data_directory = home.path(), .user = "no-such-user"});
    if (!done) return done.error().to_string();
    std::string lacking;
    for (const std::string& line : done->lacking) lacking += line;
    bool said = (done->landlock_version > 0) != (lacking.find("Landlock") != std::string::npos);
    bool user_said = ::geteuid() != 0 || lacking.find("no-such-user") != std::string::npos;
    return cat(done->no_new_privileges, done->capabilities_dropped, done->seccomp, said, user_said);
  });
  EXPECT_EQ(heard, "11111");
}

TEST_F(Confine, NoProgramCanBeExecutedAndNoProcessMade) {
  testing::TemporaryDirectory home;
  EXPECT_EQ(confined({.data_directory = home.path()},
                     [&] {
                       std::array<char*, 1> none{nullptr};
                       return cat(outcome(::execve("/bin/true", none.data(), none.data())), '|',
                                  outcome(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
                     }),
            "Operation not permitted|Operation not permitted");
}

TEST_F(Confine, ThreadsAndSocketsStillWork) {
  testing::TemporaryDirectory home;
  EXPECT_EQ(confined({.data_directory = home.path()},
                     [&] {
                       int answer = 0;
                       std::thread([&] { answer = 42; }).join();
                       return cat(answer, '|', outcome(::socket(AF_INET, SOCK_STREAM, 0)), '|',
                                  outcome(::socket(AF_INET6, SOCK_STREAM, 0)), '|',
                                  outcome(::socket(AF_UNIX, SOCK_STREAM, 0)));
                     }),
            "42|done|done|done");
}

TEST_F(Confine, DangerousCallsAreRefused) {
  testing::TemporaryDirectory home;
  std::string heard = confined({.data_directory = home.path()}, [&] {
    return cat(outcome(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)), '|', outcome(::unshare(CLONE_NEWUSER)), '|',
               outcome(::syscall(SYS_bpf, 0, 0, 0)), '|', outcome(::syscall(SYS_keyctl, 0, 0, 0)), '|',
               outcome(::socket(AF_PACKET, SOCK_RAW, 0)), '|', outcome(::socket(AF_NETLINK, SOCK_RAW, 12)), '|',
               outcome(::socket(AF_VSOCK, SOCK_STREAM, 0)));
  });
  for (std::string_view word : split(heard, '|')) EXPECT_EQ(word, "Operation not permitted") << heard;
}

TEST_F(Confine, NoCapabilityIsLeftAndNoneCanComeBack) {
  testing::TemporaryDirectory home;
  std::string heard = confined({.data_directory = home.path()}, [&] {
    std::ifstream status("/proc/self/status");
    std::string out;
    for (std::string line; std::getline(status, line);)
      if (line.rfind("Cap", 0) == 0 || line.rfind("NoNewPrivs", 0) == 0) out += line + "\n";
    return out;
  });
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
    EXPECT_NE(heard.find(cat(set, ":\t0000000000000000")), std::string::npos) << heard;
  EXPECT_NE(heard.find("NoNewPrivs:\t1"), std::string::npos) << heard;
  if (::geteuid() != 0) return;  // without root, no_new_privs keeps the bounding set from mattering
  EXPECT_NE(heard.find("CapBnd:\t0000000000000000"), std::string::npos) << heard;
}

TEST_F(Confine, RootBecomesAUserWhoThenOwnsTheData) {
  const passwd* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || nobody == nullptr) GTEST_SKIP() << "only root can become another user";
  uid_t uid = nobody->pw_uid;
  testing::TemporaryDirectory home;
  ::chmod(home.path().c_str(), 0755);
  std::string data = home.path() + "/data";
  std::filesystem::create_directories(data + "/keys");
  std::ofstream(data + "/keys/key") << "made by root";
  EXPECT_EQ(confined({.data_directory = data, .user = "nobody"},
                     [&]() -> std::string {
                       int written = ::open((data + "/new").c_str(), O_WRONLY | O_CREAT, 0600);
                       int rewritten = ::open((data + "/keys/key").c_str(), O_RDWR);
                       return cat(::geteuid(), '|', outcome(written), '|', outcome(rewritten), '|',
                                  outcome(::setuid(0)));
                     }),
            cat(uid, "|done|done|Operation not permitted"));
}

TEST_F(Confine, TheDeathSignalSurvivesTheChangeOfUser) {
  testing::TemporaryDirectory home;
  ::chmod(home.path().c_str(), 0755);
  std::string heard = in_child([&] {
    ::prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
    auto done = confine_manager({.data_directory = home.path() + "/data", .user = "nobody"});
    int signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
    return done ? std::to_string(signal) : done.error().to_string();
  });
  EXPECT_EQ(heard, std::to_string(SIGUSR1));
}

TEST_F(Confine, IsRefusedOnceThreadsRun) {
  testing::TemporaryDirectory home;
  EXPECT_NE(in_child([&] {
              std::array<int, 2> ends{};
              if (::pipe(ends.data()) != 0) return std::string("no pipe");
              std::thread other([&] {
                char byte = 0;
                [[maybe_unused]] ssize_t ignored = ::read(ends[0], &byte, 1);
              });
              auto done = confine_manager({.data_directory = home.path()});
              ::close(ends[1]);
              other.join();
              return done ? "confined" : done.error().to_string();
            }).find("before it starts threads"),
            std::string::npos);
}

}  // namespace
}  // namespace mien::edge
