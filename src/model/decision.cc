#include "model/decision.h"

namespace mien::model {

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::no_rule: return "no_rule";
    case Outcome::observed: return "observed";
    case Outcome::proposed: return "proposed";
    case Outcome::acted: return "acted";
    case Outcome::refused: return "refused";
    case Outcome::protected_: return "protected";
  }
  return "unknown";
}

}  // namespace mien::model
