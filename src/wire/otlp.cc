#include "wire/otlp.h"

#include "base/text.h"
#include "wire/detail/otlp_assembler.h"

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

Result<OtlpDecoded> decode_otlp(const OtlpRequest& request) {
  std::string unfolded;
  std::string_view body = request.body;
  if (request.content_encoding == "gzip") {
    unfolded = TRY(gunzip(body, request.gzip));
    body = unfolded;
  } else if (!request.content_encoding.empty() && request.content_encoding != "identity") {
    return Error{
        .code = Code::unsupported,
        .message = cat("content-encoding '", request.content_encoding, "' is not understood here; send gzip or none"),
        .where = {},
        .cause = {}};
  }
  OtlpAssembler assembler{request};
  TRY(request.encoding == OtlpEncoding::json ? read_otlp_json(body, assembler) : read_otlp_protobuf(body, assembler));
  return assembler.finish();
}

}  // namespace mien::wire
