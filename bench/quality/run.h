// Runs a program many times, a few at once, with a progress line on a terminal. The processes are this program's own
// children and are waited for; the first that fails stops what has not begun.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace mien::quality {

struct Job {
  std::string name;  // for the progress line and errors
  std::vector<std::string> arguments;
};
[[nodiscard]] Status run_all(const std::string& program, const std::vector<Job>& jobs, std::size_t at_once);

// A fresh folder under TMPDIR that is removed with all that is in it, unless kept.
class Workplace {
 public:
  [[nodiscard]] static Result<Workplace> make(const std::string& keep);
  Workplace(Workplace&& other) noexcept;
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Workplace(std::string path, bool kept) : path_(std::move(path)), kept_(kept) {}
  std::string path_;
  bool kept_;
};

}  // namespace mien::quality
