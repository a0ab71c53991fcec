#include "app/builtin.h"

#include "base/check.h"
#include "model/builtin_personas.h"
#include "wire/yaml.h"

namespace mien::app {

std::vector<model::Resource> builtin_resources() {
  std::vector<model::Resource> resources;
  for (const model::BuiltinPersona& persona : model::builtin_personas()) {
    wire::ParsedResources parsed = wire::parse_resources(persona.yaml, persona.name);
    CHECK(parsed.ok() && parsed.resources.size() == 1);  // packaging/personas is checked by unit tests
    model::Resource resource = std::move(parsed.resources[0].resource);
    resource.metadata.generation = 1;
    resource.metadata.created_by = "mien";
    resource.metadata.managed_by = "built in";
    resources.push_back(std::move(resource));
  }
  return resources;
}

}  // namespace mien::app
