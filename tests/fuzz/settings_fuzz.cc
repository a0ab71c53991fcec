// mien.yaml: any bytes give settings that a manager can start with, or an error that names the file.
// rooms: app
#include <cstddef>
#include <cstdint>

#include "app/settings.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  auto settings = app::parse_settings({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
  if (!settings) {
    CHECK(!settings.error().message.empty());
    CHECK(settings.error().to_string().find("fuzz.yaml") != std::string::npos);
    return 0;
  }
  CHECK(app::parse_listen(settings->listen).ok());
  CHECK(settings->store_limit >= Bytes{64'000'000} && settings->store_limit <= app::largest_store);
  CHECK(settings->retention >= 10min && settings->retention <= app::longest_retention);
  for (const std::string& name : settings->names) CHECK(!name.empty());
  return 0;
}
