#include "model/resource.h"

#include <array>

#include "base/codec.h"

namespace mien::model {
namespace {

constexpr std::uint64_t format_version = 1;

struct KindNames {
  ResourceKind kind;
  std::string_view name;
  std::string_view singular;
  std::string_view plural;
};
constexpr std::array<KindNames, 5> kinds{{
    {ResourceKind::persona, "Persona", "persona", "personas"},
    {ResourceKind::instance, "Instance", "instance", "instances"},
    {ResourceKind::pool, "Pool", "pool", "pools"},
    {ResourceKind::policy, "Policy", "policy", "policies"},
    {ResourceKind::signal, "Signal", "signal", "signals"},
}};

Error corrupt(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = "resource", .cause = {}};
}

}  // namespace

std::string_view to_text(ResourceKind kind) {
  auto index = static_cast<std::size_t>(kind);
  return index < kinds.size() ? kinds[index].name : std::string_view("Unknown");
}

std::string_view collection_of(ResourceKind kind) {
  auto index = static_cast<std::size_t>(kind);
  return index < kinds.size() ? kinds[index].plural : std::string_view("unknown");
}

std::optional<ResourceKind> parse_resource_kind(std::string_view text) {
  for (const KindNames& each : kinds)
    if (text == each.name || text == each.singular || text == each.plural) return each.kind;
  return std::nullopt;
}

std::string encode_resource(const Resource& resource) {
  Encoder encoder;
  encoder.varint(format_version);
  encoder.put(resource.kind);
  encoder.put(resource.metadata);
  encoder.put(encode_value(resource.spec));
  return encoder.take();
}

Result<Resource> decode_resource(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint64_t version = decoder.varint();
  if (!decoder.failed() && version != format_version)
    return corrupt(Code::unsupported, cat("format version ", version, "; this program reads version ", format_version));
  Resource resource;
  std::string spec;
  decoder.get(resource.kind);
  decoder.get(resource.metadata);
  decoder.get(spec);
  if (Status status = decoder.finish("resource"); !status) return std::move(status).error();
  if (static_cast<std::size_t>(resource.kind) >= kinds.size())
    return corrupt(Code::corrupt, cat("unknown kind ", static_cast<unsigned>(resource.kind)));
  resource.spec = TRY(decode_value(spec));
  return resource;
}

}  // namespace mien::model
