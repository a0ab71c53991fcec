// A result that is written piece by piece and stands under its name only when it is whole: until `commit` it grows
// beside it as NAME.new, so that a run that fails leaves the earlier file as it was.
//
// What is no regular file (a pipe, /dev/null) is written straight through. A link is followed, and the file it points
// to replaced. An existing file's mode is kept. One thread, one writer per path. Not synced: a result can be made again
// (replace_file.h is for what can not). Errors carry the path: not_found (no such directory), exhausted (disk full),
// io.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mien::edge {

class OutputFile {
 public:
  [[nodiscard]] static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // removes what was not committed

  [[nodiscard]] Status write(std::string_view bytes);  // gathered to 64 KiB
  // Everything is written and could be put in place: what can fail, fails here.
  [[nodiscard]] Status finish();
  // Finishes and puts it in place.
  [[nodiscard]] Status commit();

 private:
  OutputFile() = default;
  [[nodiscard]] Status flush();

  int fd_ = -1;
  std::string path_;        // as given, for errors
  std::string target_;      // with links resolved
  std::string unfinished_;  // empty: written straight through
  std::string buffer_;
};

}  // namespace mien::edge
