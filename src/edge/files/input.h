// A file or standard input, read piece by piece in constant memory; what is gzip is unpacked on the way.
//
// What is gzip is known by a name that ends in .gz or by its first two bytes, so that a pipe may be packed too. One
// thread. Errors carry the name: not_found, invalid (a directory; not gzip), io, conflict (interrupted).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/gzip.h"

namespace mien::edge {

class InputFile {
 public:
  // `path`, or "-" for standard input. `interrupted` is asked before each read and when a signal came during one.
  [[nodiscard]] static Result<std::unique_ptr<InputFile>> open(const std::string& path,
                                                               std::function<bool()> interrupted = {});
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // Up to 64 KiB, valid until the next call; empty at the end. Of a pipe: what is there, without waiting for more.
  [[nodiscard]] Result<std::string_view> next();

  [[nodiscard]] const std::string& name() const { return name_; }            // "standard input" or the path
  [[nodiscard]] std::uint64_t taken() const { return taken_; }               // bytes read, as they are stored
  [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }  // of a regular file

 private:
  InputFile() = default;
  [[nodiscard]] Status begin(bool named_gzip);
  [[nodiscard]] Result<std::string_view> read_piece();

  int fd_ = -1;
  std::string name_;
  std::function<bool()> interrupted_;
  std::string buffer_;
  std::string_view first_;  // what was read to see whether it is gzip
  std::uint64_t taken_ = 0;
  std::optional<std::uint64_t> size_;
  std::unique_ptr<wire::GunzipReader> gunzip_;
};

// All of it. For small files: a state, a test.
[[nodiscard]] Result<std::string> read_whole(const std::string& path);

}  // namespace mien::edge
