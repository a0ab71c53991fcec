// rooms: wire
#include "tests/fuzz/otlp_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return mien::fuzz::decode_any_otlp(mien::wire::OtlpEncoding::json, data, size);
}
