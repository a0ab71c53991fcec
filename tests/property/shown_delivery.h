// A delivery as text, for whoever reads a failure; two that are equal but for the sign of a zero differ here.
#pragma once

#include <string>

#include "base/text.h"
#include "model/telemetry.h"

namespace mien {

inline std::string shown(const model::Delivery& delivery) {
  std::string text;
  for (const model::DeliveredInstance& part : delivery.instances) {
    text += cat(part.instance.value, ": ", part.batch.times.size(), " times, ", part.refused, " refused, ",
                part.batch.series.size(), " places, ", part.identities.size(), " identities\n");
    for (std::size_t c = 0; c < part.series.size(); ++c) {
      text += cat("  ", to_text(part.series[c]), " ", static_cast<int>(part.series[c].kind), " [", part.series[c].unit,
                  "]");
      for (std::size_t r = 0; r < part.batch.times.size(); ++r) text += cat(" ", to_text(part.batch.at(c, r)));
      text += "\n";
    }
  }
  return text;
}

}  // namespace mien
