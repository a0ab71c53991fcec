// Resource files: any bytes give resources and diagnostics; what was taken can be printed and taken again.
// rooms: wire
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "model/persona.h"
#include "wire/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mien;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  wire::ParsedResources parsed = wire::parse_resources(text, "fuzz.yaml");
  CHECK(!wire::render(parsed.diagnostics, wire::Colour::always).empty() || parsed.diagnostics.empty());
  for (const wire::SourcedResource& each : parsed.resources) {
    wire::ParsedResources again = wire::parse_resources(wire::to_yaml(each.resource), "again");
    CHECK(again.resources.size() == 1 && again.resources[0].resource == each.resource);
    if (each.resource.kind == model::ResourceKind::persona)
      (void)model::compile_expectation(PersonaName(each.resource.metadata.name), 1, each.resource.spec).ok();
  }
  return 0;
}
