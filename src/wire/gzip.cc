#include "wire/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"

namespace mien::wire {
namespace {

constexpr int gzip_only = 15 + 16;  // zlib's window bits for "the largest window, gzip header required"
constexpr std::size_t first_output = 64U << 10U;

Error bad(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

// zlib keeps pointers into its own state, so the stream stays where it was made.
class Inflater {
 public:
  explicit Inflater(std::string_view bytes) {
    give(bytes);
    ready_ = inflateInit2(&stream_, gzip_only) == Z_OK;
  }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  [[nodiscard]] bool ready() const { return ready_; }
  [[nodiscard]] std::size_t left() const { return stream_.avail_in; }
  // The bytes that come next; what was given before must be used up.
  void give(std::string_view bytes) {
    // zlib reads through a pointer that is not const for the sake of old compilers.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  void next_member() { inflateReset(&stream_); }
  // Appends to `out` at `size`, up to its end; returns zlib's code.
  int fill(std::string& out, std::size_t& size) {
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream_.avail_out = static_cast<uInt>(out.size() - size);
    int code = inflate(&stream_, Z_NO_FLUSH);
    size = out.size() - stream_.avail_out;
    return code;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

std::uint64_t allowed_output(std::size_t input, const GzipLimits& limits) {
  return std::min(limits.max_output.value,
                  std::max<std::uint64_t>(limits.ratio_free.value, std::uint64_t{input} * limits.max_ratio));
}

Error too_large(std::size_t input, std::uint64_t allowed) {
  return bad(Code::exhausted, cat("the gzip body of ", input, " bytes unfolds to more than the ", allowed,
                                  " bytes that are taken; send smaller requests"));
}

}  // namespace

Result<std::string> gunzip(std::string_view bytes, const GzipLimits& limits) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) return too_large(bytes.size(), limits.max_output.value);
  Inflater inflater{bytes};
  if (!inflater.ready()) return bad(Code::exhausted, "no memory for unfolding a gzip body");
  const std::uint64_t allowed = allowed_output(bytes.size(), limits);
  std::string out(std::min<std::uint64_t>(first_output, allowed + 1), '\0');
  std::size_t size = 0;
  while (true) {
    int code = inflater.fill(out, size);
    if (size > allowed) return too_large(bytes.size(), allowed);
    if (code == Z_STREAM_END && inflater.left() == 0) break;
    if (code == Z_STREAM_END) {
      inflater.next_member();
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      return bad(Code::invalid, cat("the body is not gzip at byte ", bytes.size() - inflater.left(),
                                    "; compress it with gzip or leave out the header content-encoding"));
    } else if (size < out.size()) {  // room was left, so the input has ended
      return bad(Code::invalid, cat("the gzip body ends early, after ", bytes.size(), " bytes; send it whole"));
    }
    if (size == out.size()) out.resize(std::min<std::uint64_t>(std::uint64_t{out.size()} * 2, allowed + 1));
  }
  out.resize(size);
  return out;
}

struct GunzipReader::State {
  ByteSource packed;
  Inflater inflater{{}};
  std::string out = std::string(first_output, '\0');
  std::uint64_t given = 0;    // packed bytes so far
  bool within_member = true;  // of an empty file too: it is cut short
  bool more_inside = false;   // zlib may hold back what did not fit into `out`
  bool ended = false;
};

GunzipReader::GunzipReader(ByteSource packed) : state_(std::make_unique<State>()) {
  state_->packed = std::move(packed);
}
GunzipReader::~GunzipReader() = default;

Result<std::string_view> GunzipReader::next() {
  State& state = *state_;
  if (!state.inflater.ready()) return bad(Code::exhausted, "no memory for unpacking gzip");
  while (!state.ended) {
    if (state.inflater.left() == 0 && !state.more_inside) {
      std::string_view piece = TRY(state.packed());
      CHECK(piece.size() <= std::numeric_limits<uInt>::max());
      state.given += piece.size();
      state.inflater.give(piece);
      state.ended = piece.empty();
      if (state.ended) break;
    }
    if (!state.within_member) state.inflater.next_member();
    state.within_member = true;
    std::size_t size = 0;
    int code = state.inflater.fill(state.out, size);
    if (code == Z_STREAM_END) state.within_member = false;
    else if (code != Z_OK && code != Z_BUF_ERROR)
      return bad(Code::invalid, cat("is not gzip, or damaged, at byte ", state.given - state.inflater.left()));
    state.more_inside = state.within_member && size == state.out.size();
    if (size > 0) return std::string_view(state.out).substr(0, size);
  }
  if (state.within_member)
    return bad(Code::invalid, cat("ends early: the gzip is cut short after ", state.given, " bytes"));
  return std::string_view();
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  CHECK(text.size() <= std::numeric_limits<uInt>::max() / 2);
  CHECK(deflateInit2(&stream, 1, Z_DEFLATED, gzip_only, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));  // NOLINT: as above
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  int code = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  CHECK(code == Z_STREAM_END);
  return out;
}

}  // namespace mien::wire
