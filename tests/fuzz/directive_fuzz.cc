// The agent protocol: any bytes give a value or an error, and a value that was read is written and read as the same.
// rooms: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/directive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (auto batch = wire::decode_directives(bytes)) {
    auto again = wire::decode_directives(wire::encode_json(*batch));
    CHECK(again.ok());
    CHECK(again->next == batch->next && again->directives.size() == batch->directives.size());
  }
  if (auto hello = wire::decode_hello(bytes)) CHECK(*wire::decode_hello(wire::encode_json(*hello)) == *hello);
  if (auto request = wire::decode_enroll_request(bytes))
    CHECK(*wire::decode_enroll_request(wire::encode_json(*request)) == *request);
  if (auto answer = wire::decode_enroll_answer(bytes))
    CHECK(*wire::decode_enroll_answer(wire::encode_json(*answer)) == *answer);
  if (auto reports = wire::decode_reports(bytes)) {
    auto again = wire::decode_reports(wire::encode_json(*reports));
    CHECK(again.ok() && again->abilities.has_value() == reports->abilities.has_value());
    CHECK(again->reports.size() == reports->reports.size());
  }
  return 0;
}
