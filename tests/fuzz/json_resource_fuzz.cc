// The body of a PUT: any bytes give a resource or diagnostics; what was taken can be printed and taken again.
// rooms: wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/document.h"
#include "wire/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view body{reinterpret_cast<const char*>(data), size};
  wire::ParsedResources parsed = wire::parse_resource_json(body);
  for (const wire::SourcedResource& each : parsed.resources) {
    wire::ParsedResources again = wire::parse_resource_json(wire::to_json(each.resource));
    CHECK(again.resources.size() == 1 && again.resources[0].resource == each.resource);
  }
  auto document = wire::parse_document(body);
  if (document) (void)wire::from_document<model::Finding>(*document).ok();
  return 0;
}
