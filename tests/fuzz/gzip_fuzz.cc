// gzip: any bytes unfold within the limits, or are an error; what we fold unfolds to itself.
// rooms: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  wire::GzipLimits limits{.max_output = Bytes{1U << 20U}, .ratio_free = Bytes{1U << 16U}};
  auto unfolded = wire::gunzip(bytes, limits);
  if (unfolded) CHECK(unfolded->size() <= limits.max_output.value);
  wire::GunzipReader reader([rest = bytes]() mutable -> Result<std::string_view> {
    std::string_view piece = rest.substr(0, 7);
    rest.remove_prefix(piece.size());
    return piece;
  });
  std::string through;
  Result<std::string_view> piece = reader.next();
  for (; piece && !piece->empty() && through.size() <= limits.max_output.value; piece = reader.next())
    through += *piece;
  if (unfolded) CHECK(piece && through == *unfolded);
  auto back = wire::gunzip(wire::gzip(bytes));
  CHECK(back.ok() || back.error().code == Code::exhausted);
  if (back) CHECK(*back == bytes);
  return 0;
}
