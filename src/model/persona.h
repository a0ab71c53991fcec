// What the specs of personas, instances and pools mean: merging what a persona extends, compiling what it declares
// about behaviour, and the parts of the others that the manager needs as types.
//
// Merging: parents in order; a map is merged member by member, a list is the union in order (an allow or deny list of
// a parent is never lost by accident), two parents that say different things about the same key are an error that
// names both. What the persona says itself overrides its parents; `null` takes an inherited key away. A parent that
// overrides its own parent wins over a sibling that merely inherited the older value. `extends` and `activation` are
// not inherited. Limits: 16 parents each, 16 levels.
//
// Activation expressions are kept as text and not evaluated yet: a persona with none is active by its place in the
// instance's list, one with some is activated by hand.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.h"
#include "base/result.h"
#include "base/time.h"
#include "model/expectation.h"
#include "model/value.h"

namespace mien::model {

// Where personas are looked up by name. `find` gives the spec or nullptr; `names` serves suggestions and may be empty.
struct PersonaSource {
  std::function<const Value*(std::string_view name)> find;
  std::vector<std::string_view> names;
};

// The spec with all that it extends folded in, without `extends`. Errors: not_found (unknown parent, with the nearest
// name), invalid (cycle, contradiction, limits).
[[nodiscard]] Result<Value> merge_persona(const PersonaName& name, const Value& spec, const PersonaSource& personas);

// What a merged spec declares about behaviour. Errors: invalid, with the place as a JSON pointer in `where`.
[[nodiscard]] Result<Expectation> compile_expectation(const PersonaName& name, std::uint64_t generation,
                                                      const Value& merged);

struct ActivationRule {
  std::string when;  // expression, as text
  Duration for_{};   // how long it must hold
  Duration dwell{};  // how long the persona stays at least
  Duration lead{};   // how long before a forecast moment preparation begins
  friend bool operator==(const ActivationRule&, const ActivationRule&) = default;
};
[[nodiscard]] Result<std::vector<ActivationRule>> parse_activation(const Value& persona_spec);

struct InstanceSpec {
  PoolName pool;
  std::vector<PersonaName> personas;  // in order; empty: the pool's, and without these `linux-server`
  friend bool operator==(const InstanceSpec&, const InstanceSpec&) = default;
};
[[nodiscard]] Result<InstanceSpec> parse_instance_spec(const Value& spec);

struct PoolSpec {
  std::map<std::string, std::string> selector;  // an instance whose labels have all of these is a member
  std::vector<PersonaName> personas;            // of members that name none themselves
  std::uint32_t min = 0;
  std::uint32_t max = 0;  // 0: no upper size stated
  friend bool operator==(const PoolSpec&, const PoolSpec&) = default;
};
[[nodiscard]] Result<PoolSpec> parse_pool_spec(const Value& spec);

// Whether labels have everything a selector asks for. An empty selector matches nothing: a pool without one has only
// the members that name it.
[[nodiscard]] bool matches(const std::map<std::string, std::string>& selector,
                           const std::map<std::string, std::string>& labels);

// The metric that `security.pending_security_updates` limits.
constexpr std::string_view pending_security_updates = "mien.pending_security_updates";

// The persona of an instance that names none.
constexpr std::string_view default_persona = "linux-server";

}  // namespace mien::model
