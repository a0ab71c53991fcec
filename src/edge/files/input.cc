#include "edge/files/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace mien::edge {
namespace {

constexpr std::size_t piece_size = 65'536;
constexpr std::string_view gzip_magic = "\x1f\x8b";

Error failure(Code code, std::string message, const std::string& name) {
  return Error{.code = code, .message = std::move(message), .where = name, .cause = {}};
}

Error why_not_opened(int number, const std::string& path) {
  if (number == ENOENT || number == EACCES || number == ENOTDIR)
    return failure(
        Code::not_found,
        cat("can not be opened for reading (", std::strerror(number), "); check the path and who may read it"), path);
  return failure(Code::io, cat("can not be opened for reading: ", std::strerror(number)), path);
}

}  // namespace

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path, std::function<bool()> interrupted) {
  std::unique_ptr<InputFile> file(new InputFile);
  file->name_ = path == "-" ? "standard input" : path;
  file->interrupted_ = std::move(interrupted);
  file->fd_ = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file->fd_ < 0) return why_not_opened(errno, file->name_);
  struct stat what {};
  if (::fstat(file->fd_, &what) != 0) return failure(Code::io, std::strerror(errno), file->name_);
  if (S_ISDIR(what.st_mode)) return failure(Code::invalid, "is a directory; name the files in it", file->name_);
  if (S_ISREG(what.st_mode)) file->size_ = static_cast<std::uint64_t>(what.st_size);
  file->buffer_.resize(piece_size);
  TRY(file->begin(path.size() > 3 && path.substr(path.size() - 3) == ".gz"));
  return file;
}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

// Reads on until two bytes are there, which say what this is.
Status InputFile::begin(bool named_gzip) {
  std::string start;
  while (start.size() < gzip_magic.size()) {
    std::string_view piece = TRY(read_piece());
    if (piece.empty()) break;
    start += piece;
  }
  buffer_.replace(0, start.size(), start);
  first_ = std::string_view(buffer_).substr(0, start.size());
  if (named_gzip || first_.substr(0, gzip_magic.size()) == gzip_magic)
    gunzip_ = std::make_unique<wire::GunzipReader>([this] { return read_piece(); });
  return {};
}

Result<std::string_view> InputFile::next() {
  if (!gunzip_) return read_piece();
  Result<std::string_view> piece = gunzip_->next();
  if (!piece && piece.error().where.empty()) piece.error().where = name_;
  return piece;
}

Result<std::string_view> InputFile::read_piece() {
  if (!first_.empty()) return std::exchange(first_, {});
  while (true) {
    if (interrupted_ && interrupted_()) return failure(Code::conflict, "interrupted", name_);
    ssize_t n = ::read(fd_, buffer_.data(), piece_size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure(Code::io, cat("could not be read to its end: ", std::strerror(errno)), name_);
    taken_ += static_cast<std::uint64_t>(n);
    return std::string_view(buffer_).substr(0, static_cast<std::size_t>(n));
  }
}

Result<std::string> read_whole(const std::string& path) {
  std::unique_ptr<InputFile> file = TRY(InputFile::open(path));
  std::string text;
  while (true) {
    std::string_view piece = TRY(file->next());
    if (piece.empty()) return text;
    text += piece;
  }
}

}  // namespace mien::edge
