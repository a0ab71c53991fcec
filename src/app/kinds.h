// The kinds that people name on the command line: the resources that can be written, and what Mien makes itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/yaml.h"

namespace mien::app {

struct Kind {
  std::string name;        // "Persona", "Finding"
  std::string collection;  // "personas": path under /api/v1/
};

// "persona", "personas", "Persona", "policies": whatever a person types. Errors: invalid, with a suggestion.
[[nodiscard]] Result<Kind> parse_kind(std::string_view text);
// "persona/web-frontend", as apply and delete show it.
[[nodiscard]] std::string label_of(const model::Resource& resource);
[[nodiscard]] std::string path_of(const model::Resource& resource);

// Everything that `-f` names: a file, all *.yaml, *.yml and *.json of a folder (deeper ones too, by name), or "-" for
// standard input. Errors: not_found, io; what is wrong inside is a diagnostic.
[[nodiscard]] Result<wire::ParsedResources> load_resources(const std::string& place);
// So that what is spoken of is written before what speaks of it: personas, those they extend first, then pools, ...
void order_for_writing(std::vector<wire::SourcedResource>& resources);

}  // namespace mien::app
