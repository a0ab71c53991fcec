// Small resources for tests and the simulation.
#pragma once

#include <string>
#include <utility>

#include "model/resource.h"

namespace mien::node::testing {

inline model::Resource resource_of(model::ResourceKind kind, const std::string& name, model::Value::Map spec) {
  return {.kind = kind,
          .metadata = {.name = name,
                       .labels = {},
                       .annotations = {},
                       .uid = {},
                       .generation = 0,
                       .created_at = {},
                       .created_by = {},
                       .updated_at = {},
                       .managed_by = {}},
          .spec = model::Value{std::move(spec)}};
}

inline model::Resource persona(const std::string& name, model::Value::Map spec) {
  return resource_of(model::ResourceKind::persona, name, std::move(spec));
}

inline model::Value declared_cpu() {
  return model::Value::Map{
      {"behavior",
       model::Value::Map{{"system.cpu.utilization",
                          model::Value::Map{{"distribution", "normal"}, {"mean", 0.1}, {"stddev", 0.05}}}}}};
}

}  // namespace mien::node::testing
