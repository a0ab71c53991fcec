#include "wire/otlp.h"

#include "base/text.h"
#include "wire/detail/assembler.h"
#include "wire/zstd.h"

namespace mien::wire {

std::optional<OtlpEncoding> otlp_encoding(std::string_view content_type) {
  std::string type;
  for (char c : trim(content_type.substr(0, content_type.find(';'))))
    type += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (type == "application/x-protobuf" || type == "application/protobuf") return OtlpEncoding::protobuf;
  if (type == "application/json") return OtlpEncoding::json;
  return std::nullopt;
}

std::string_view content_type(OtlpEncoding encoding) {
  return encoding == OtlpEncoding::json ? "application/json" : "application/x-protobuf";
}

Result<Ingested> decode_otlp(const OtlpRequest& request) {
  std::string unfolded;
  std::string_view body = TRY(unfold(request.content_encoding, request.body, request.gzip, unfolded));
  Assembler assembler{
      {.trusted = request.trusted,
       .agent = request.agent,
       .arrived = request.arrived,
       .limits = request.limits,
       .starts = request.starts,
       .roster = request.known != nullptr ? &request.known->roster : nullptr,
       .derivation = request.known != nullptr && !request.trusted ? &request.known->derivation : nullptr}};
  if (request.known != nullptr) request.known->begin_request(request.limits);
  TRY(request.encoding == OtlpEncoding::json ? read_otlp_json(body, assembler)
                                             : read_otlp_protobuf(body, assembler, request.known));
  return assembler.finish();
}

}  // namespace mien::wire
