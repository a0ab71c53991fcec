#include "wire/zstd.h"

#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace mien::wire {
namespace {

constexpr std::size_t first_output = 64U << 10U;
// A frame may ask for a window as large as it likes; what is larger than the most that comes out is of no use.
constexpr int largest_window = 26;

Error bad(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

}  // namespace

Result<std::string> unzstd(std::string_view bytes, const GzipLimits& limits) {
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), &ZSTD_freeDCtx};
  if (!context) return bad(Code::exhausted, "no memory for unfolding a zstd body");
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, largest_window);
  const std::uint64_t allowed =
      std::min(limits.max_output.value,
               std::max<std::uint64_t>(limits.ratio_free.value, std::uint64_t{bytes.size()} * limits.max_ratio));
  std::string out(std::min<std::uint64_t>(first_output, allowed + 1), '\0');
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  std::size_t size = 0;
  while (true) {
    ZSTD_outBuffer output{out.data(), out.size(), size};
    std::size_t left = ZSTD_decompressStream(context.get(), &output, &input);
    bool stuck = output.pos == size && input.pos == input.size;
    size = output.pos;
    if (ZSTD_isError(left) != 0)
      return bad(Code::invalid, cat("the body is not zstd at byte ", input.pos, " (", ZSTD_getErrorName(left),
                                    "); compress it with zstd or leave out the header content-encoding"));
    if (size > allowed)
      return bad(Code::exhausted, cat("the zstd body of ", bytes.size(), " bytes unfolds to more than the ", allowed,
                                      " bytes that are taken; send smaller requests"));
    if (left == 0 && input.pos == input.size) break;
    if (size == out.size()) out.resize(std::min<std::uint64_t>(std::uint64_t{out.size()} * 2, allowed + 1));
    else if (stuck || input.pos == input.size)
      return bad(Code::invalid, cat("the zstd body ends early, after ", bytes.size(), " bytes; send it whole"));
  }
  out.resize(size);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  std::size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1);
  CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

Result<std::string_view> unfold(std::string_view content_encoding, std::string_view body, const GzipLimits& limits,
                                std::string& kept) {
  if (content_encoding.empty() || content_encoding == "identity") return body;
  if (content_encoding == "gzip") kept = TRY(gunzip(body, limits));
  else if (content_encoding == "zstd") kept = TRY(unzstd(body, limits));
  else
    return bad(Code::unsupported,
               cat("content-encoding '", content_encoding, "' is not understood here; send gzip, zstd or none"));
  return std::string_view(kept);
}

}  // namespace mien::wire
