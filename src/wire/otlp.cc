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
  KnownPoints* known = request.known;
  Sender sender{.trusted = request.trusted,
                .agent = request.agent,
                .arrived = request.arrived,
                .limits = request.limits,
                .starts = request.starts,
                .roster = known != nullptr ? &known->roster : nullptr,
                .derivation = known != nullptr && !request.trusted ? &known->derivation : nullptr};
  if (known != nullptr) known->begin_request(request.limits);
  if (request.starts != nullptr) request.starts->begin_request();
  bool json = request.encoding == OtlpEncoding::json;
  if (json && known != nullptr) {
    Assembler trial{sender};
    if (read_known_otlp_json(body, trial, *known)) return trial.finish();
    known->begin_again();
    if (request.starts != nullptr) request.starts->undo();
  }
  Assembler assembler{sender};
  if (Status read = json ? read_otlp_json(body, assembler, known) : read_otlp_protobuf(body, assembler, known); !read) {
    if (known != nullptr) known->forget_starts();
    if (request.starts != nullptr) request.starts->undo();
    return read.error();
  }
  return assembler.finish();
}

}  // namespace mien::wire
