#include "edge/collect/kernel_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mien::edge {
namespace {

constexpr std::size_t first_size = 16 * 1024;
constexpr std::size_t most_size = 4 * 1024 * 1024;
constexpr std::size_t page = 4096;

}  // namespace

KernelFile::KernelFile(KernelFile&& other) noexcept
    : path_(std::move(other.path_)),
      longest_record_(other.longest_record_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      error_(other.error_) {}

KernelFile& KernelFile::operator=(KernelFile&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    longest_record_ = other.longest_record_;
    descriptor_ = std::exchange(other.descriptor_, -1);
    error_ = other.error_;
  }
  return *this;
}

void KernelFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

std::optional<std::string_view> KernelFile::read(ReadBuffer& buffer) {
  bool kept = descriptor_ >= 0;
  auto text = read_once(buffer);
  if (!text && kept && error_ == ENODEV) text = read_once(buffer);
  return text;
}

std::optional<std::string_view> KernelFile::read_once(ReadBuffer& buffer) {
  if (descriptor_ < 0) {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) {
      error_ = errno;
      return std::nullopt;
    }
  }
  if (buffer.size() < first_size) buffer.resize(first_size);
  std::size_t size = 0;
  for (;;) {
    ssize_t got = ::pread(descriptor_, buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      error_ = errno;
      close();
      return std::nullopt;
    }
    size += static_cast<std::size_t>(got);
    bool room = size < buffer.size();
    if (got == 0 || (room && (longest_record_ == one_record || size + longest_record_ < page))) break;
    if (size == buffer.size()) {
      if (size >= most_size) break;
      buffer.resize(size * 2);
    }
  }
  error_ = 0;
  return std::string_view(buffer.data(), size);
}

std::optional<std::string> read_text(const std::string& path) {
  ReadBuffer buffer;
  KernelFile file(path, any_records);
  auto text = file.read(buffer);
  if (!text) return std::nullopt;
  return std::string(*text);
}

}  // namespace mien::edge
