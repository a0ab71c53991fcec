// The name of a persona is not the name of an instance.
// expect: could not convert|no viable conversion|no matching function|invalid initialization
#include "base/quantity.h"

bool is_known(const mien::InstanceName& name) { return !name.empty(); }

bool ask(const mien::PersonaName& persona, const mien::InstanceName& instance) {
#ifdef MISTAKE
  return is_known(persona) && is_known(instance);
#else
  return !persona.empty() && is_known(instance);
#endif
}
