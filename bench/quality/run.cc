#include "bench/quality/run.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/text.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace mien::quality {
namespace {

Error failure(Code code, std::string message, std::string where) {
  return Error{.code = code, .message = std::move(message), .where = std::move(where), .cause = {}};
}

Result<pid_t> start(const std::string& program, const Job& job) {
  std::vector<std::string> words{program};
  words.insert(words.end(), job.arguments.begin(), job.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (int code = posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv.data(), environ); code != 0)
    return failure(Code::io, cat("could not be started: ", std::strerror(code)), program);
  return pid;
}

void show(std::size_t done, std::size_t all, std::string_view name) {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  if (!terminal) return;
  std::fprintf(stderr, "\r\033[K%zu of %zu %.*s", done, all, static_cast<int>(name.size()), name.data());
  if (done == all) std::fprintf(stderr, "\r\033[K");
}

}  // namespace

Status run_all(const std::string& program, const std::vector<Job>& jobs, std::size_t at_once) {
  std::map<pid_t, std::size_t> running;
  Status status;
  std::size_t next = 0;
  std::size_t done = 0;
  while (!running.empty() || (status && next < jobs.size())) {
    if (status && next < jobs.size() && running.size() < at_once) {
      Result<pid_t> pid = start(program, jobs[next]);
      if (pid) running.emplace(*pid, next++);
      else status = std::move(pid).error();
      continue;
    }
    int how = 0;
    pid_t pid = waitpid(-1, &how, 0);
    if (pid < 0 && errno == EINTR) continue;
    auto found = running.find(pid);
    if (found == running.end()) continue;
    const Job& job = jobs[found->second];
    running.erase(found);
    show(++done, jobs.size(), job.name);
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
      status = failure(Code::invalid, cat("ended with status ", how, " at ", job.name), program);
  }
  return status;
}

Result<Workplace> Workplace::make(const std::string& keep) {
  std::error_code failed;
  if (!keep.empty()) {
    std::filesystem::create_directories(keep, failed);
    if (failed) return failure(Code::io, failed.message(), keep);
    return Workplace(keep, true);
  }
  std::string path = (std::filesystem::temp_directory_path(failed) / "mien-quality-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return failure(Code::io, std::strerror(errno), path);
  return Workplace(path, false);
}

Workplace::Workplace(Workplace&& other) noexcept : path_(std::move(other.path_)), kept_(other.kept_) {
  other.kept_ = true;
}

Workplace::~Workplace() {
  std::error_code ignored;
  if (!kept_) std::filesystem::remove_all(path_, ignored);
}

}  // namespace mien::quality
