#include "edge/process/process.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "base/text.h"
#include "edge/clock.h"

namespace mien::edge {
namespace {

Error system_failure(std::string_view doing) {
  return Error{.code = Code::io, .message = cat("cannot ", doing, ": ", ::strerror(errno)), .where = {}, .cause = {}};
}

class PidfdChild final : public Child {
 public:
  PidfdChild(pid_t id, int descriptor, Duration grace) : id_(id), descriptor_(descriptor), grace_(grace) {}
  ~PidfdChild() override {
    if (!wait(Duration{0})) {
      signal(SIGTERM);
      if (!wait(grace_)) {
        signal(SIGKILL);
        wait(grace_);
      }
    }
    ::close(descriptor_);
  }
  PidfdChild(const PidfdChild&) = delete;
  PidfdChild& operator=(const PidfdChild&) = delete;

  [[nodiscard]] pid_t id() const override { return id_; }
  [[nodiscard]] int descriptor() const override { return descriptor_; }

  std::optional<Ending> wait(Duration timeout) override {
    if (ended_) return ended_;
    MonoTime deadline = mono_now() + timeout;
    while (true) {
      int status = 0;
      if (::waitpid(id_, &status, WNOHANG) == id_) {
        ended_ = WIFSIGNALED(status) ? Ending{.status = 0, .signal = WTERMSIG(status)}
                                     : Ending{.status = WEXITSTATUS(status), .signal = 0};
        return ended_;
      }
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - mono_now()).count();
      if (left <= 0) return std::nullopt;
      pollfd wait_for{descriptor_, POLLIN, 0};
      ::poll(&wait_for, 1, static_cast<int>(std::min<long>(left, 60'000)));
    }
  }

  // By the pidfd, so that a number used again never hits a stranger.
  void signal(int number) override { ::syscall(SYS_pidfd_send_signal, descriptor_, number, nullptr, 0); }

 private:
  const pid_t id_;
  const int descriptor_;
  const Duration grace_;
  std::optional<Ending> ended_;
};

// Between fork and exec: only what is safe when another thread held a lock.
[[noreturn]] void become_child(const char* program, char* const* arguments, pid_t parent) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if (::getppid() != parent) ::_exit(1);  // it died before the kernel knew
  ::execv(program, arguments);
  ::_exit(127);
}

class SignalThread final : public StopWatch {
 public:
  SignalThread(int signals, int wake, int child, std::function<void(StopReason)> on_stop)
      : signals_(signals), wake_(wake), child_(child), on_stop_(std::move(on_stop)), thread_([this] { run(); }) {}
  ~SignalThread() override {
    std::uint64_t one = 1;
    [[maybe_unused]] ssize_t ignored = ::write(wake_, &one, sizeof one);
    thread_.join();
    ::close(signals_);
    ::close(wake_);
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void run() {
    bool child_running = child_ >= 0;
    while (true) {
      std::array<pollfd, 3> waits{pollfd{wake_, POLLIN, 0}, pollfd{signals_, POLLIN, 0},
                                  pollfd{child_running ? child_ : -1, POLLIN, 0}};
      if (::poll(waits.data(), waits.size(), -1) < 0) continue;
      if (waits[0].revents != 0) return;
      signalfd_siginfo got{};
      if (waits[1].revents != 0 && ::read(signals_, &got, sizeof got) == sizeof got)
        on_stop_(StopReason{.signal = static_cast<int>(got.ssi_signo), .child_ended = false});
      if (waits[2].revents != 0) {
        child_running = false;
        on_stop_(StopReason{.signal = 0, .child_ended = true});
      }
    }
  }

  const int signals_;
  const int wake_;
  const int child_;
  const std::function<void(StopReason)> on_stop_;
  std::thread thread_;
};

}  // namespace

std::string Ending::to_text() const {
  if (signal != 0) return cat("was killed by signal ", signal, " (", ::strsignal(signal), ')');
  return cat("exited with status ", status);
}

Result<std::unique_ptr<Child>> spawn_self(const SpawnOptions& options) {
  std::vector<std::string> words = options.arguments;
  words.insert(words.begin(), "mien");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t parent = ::getpid();
  pid_t child = ::fork();
  if (child < 0) return system_failure("start a process");
  if (child == 0) become_child(options.program.c_str(), arguments.data(), parent);
  int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (descriptor < 0) {
    Error error = system_failure("watch the started process");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    return error;
  }
  return std::unique_ptr<Child>(std::make_unique<PidfdChild>(child, descriptor, options.grace));
}

Result<std::unique_ptr<StopWatch>> StopWatch::start(const Child* child, std::function<void(StopReason)> on_stop) {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  ::sigemptyset(&stop);
  for (int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&stop, number);
  if (::pthread_sigmask(SIG_BLOCK, &stop, nullptr) != 0) return system_failure("block signals");
  int signals = ::signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) return system_failure("read signals");
  int wake = ::eventfd(0, EFD_CLOEXEC);
  if (wake < 0) {
    ::close(signals);
    return system_failure("make an eventfd");
  }
  return std::unique_ptr<StopWatch>(
      std::make_unique<SignalThread>(signals, wake, child != nullptr ? child->descriptor() : -1, std::move(on_stop)));
}

}  // namespace mien::edge
