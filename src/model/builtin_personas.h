// The personas that come with the program: the files of packaging/personas, put into it when it is built
// (tools/cmake/MienPersonas.cmake). They are ordinary resources, read by the ordinary door (wire/yaml.h); a persona of
// the same name that somebody applies takes their place.
#pragma once

#include <span>
#include <string_view>

namespace mien::model {

struct BuiltinPersona {
  std::string_view name;  // "linux-server"
  std::string_view yaml;  // the file as it is
};

// In order of name. Static storage.
[[nodiscard]] std::span<const BuiltinPersona> builtin_personas();

}  // namespace mien::model
