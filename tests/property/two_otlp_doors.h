// An OTLP door that remembers series beside one that does not, for whoever holds the one against the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "tests/property/shown_delivery.h"
#include "wire/otlp.h"

namespace mien {

// As an agent sends it, or anybody.
inline wire::OtlpRequest otlp_request(wire::OtlpEncoding encoding, std::string_view body, std::uint64_t now,
                                      bool trusted, const wire::IngestLimits& limits) {
  wire::OtlpRequest request;
  request.encoding = encoding;
  request.body = body;
  request.arrived = WallTime{static_cast<std::int64_t>(now)};
  request.trusted = trusted;
  if (trusted) request.agent = "web-0";
  request.limits = limits;
  return request;
}

class TwoOtlpDoors {
 public:
  // What the two say differently of a request, whose memory this sets; empty where they say the same.
  std::string difference(wire::OtlpRequest request) {
    // What comes of agents is held against a door without any memory; of others series are derived, which takes a
    // roster: against one that begins anew with each request.
    if (!request.trusted) {
      forgetful_.known.clear();
      forgetful_.roster.clear();
      forgetful_.json.clear();
      request.starts = &plain_starts_;
      request.known = &forgetful_;
    }
    auto expected = wire::decode_otlp(request);
    if (!request.trusted) request.starts = &starts_;
    request.known = &known_;
    auto got = wire::decode_otlp(request);
    bool same = got.ok() == expected.ok() && said(got) == said(expected) &&
                (!got || model::spelled_out(got->delivery, got->lists) ==
                             model::spelled_out(expected->delivery, expected->lists));
    return same ? "" : cat(said(got), "\nwhere the door without a memory says\n", said(expected));
  }

 private:
  static std::string said(const Result<wire::Ingested>& answer) {
    if (!answer) return answer.error().to_string();
    return cat(shown(model::spelled_out(answer->delivery, answer->lists)), answer->accepted, " accepted, ",
               answer->rejected, " rejected: ", answer->why_rejected);
  }

  wire::KnownPoints known_{2}, forgetful_{3};
  wire::StartTimes plain_starts_, starts_;
};

}  // namespace mien
