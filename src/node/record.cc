#include "node/record.h"

#include "base/text.h"

namespace mien::node {
namespace {

// 1: without reports and what people say of actions; 2: without the comment of an approval or a rejection; 3: without
// security facts.
constexpr std::uint64_t record_version = 4;

// A frame before there were facts.
struct InstanceFrame3 {
  InstanceName instance;
  model::InstanceType type = model::InstanceType::external;
  InstanceName parent;
  std::map<std::string, std::string> identities;
  std::vector<model::SeriesDeclaration> declared;
  model::Batch batch;
  std::uint32_t refused = 0;
  static constexpr auto fields =
      std::tuple{field("instance", &InstanceFrame3::instance), field("type", &InstanceFrame3::type),
                 field("parent", &InstanceFrame3::parent),     field("identities", &InstanceFrame3::identities),
                 field("declared", &InstanceFrame3::declared), field("batch", &InstanceFrame3::batch),
                 field("refused", &InstanceFrame3::refused)};
};

struct Frame3 {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  bool authenticated = false;
  std::vector<InstanceFrame3> instances;
  static constexpr auto fields =
      std::tuple{field("source", &Frame3::source), field("epoch", &Frame3::epoch), field("sequence", &Frame3::sequence),
                 field("authenticated", &Frame3::authenticated), field("instances", &Frame3::instances)};
};

Record record_of(Frame3 old) {
  model::Frame frame{.source = std::move(old.source),
                     .epoch = old.epoch,
                     .sequence = old.sequence,
                     .authenticated = old.authenticated,
                     .instances = {}};
  for (InstanceFrame3& part : old.instances)
    frame.instances.push_back({.instance = std::move(part.instance),
                               .type = part.type,
                               .parent = std::move(part.parent),
                               .identities = std::move(part.identities),
                               .declared = std::move(part.declared),
                               .batch = std::move(part.batch),
                               .refused = part.refused,
                               .facts = {}});
  return FrameArrived{.frame = std::move(frame)};
}

bool is_frame(const Decoder& decoder) { return decoder.rest().starts_with('\0'); }  // the variant's first alternative

std::string padded(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits;
}

// In version 2 the record of an approval or a rejection ended before its comment: it is read as an empty one.
Result<Record> decode_uncommented(std::string_view bytes) {
  std::string whole(bytes);
  whole.push_back('\0');
  Decoder decoder{whole};
  std::uint64_t version = 0;
  Record record;
  decoder.get(version);
  decoder.get(record);
  if (Status status = decoder.finish("log record"); !status) return std::move(status).error();
  return record;
}

bool may_lack_comment(const Record& record) {
  const auto* given = std::get_if<CommandGiven>(&record);
  return given && (std::holds_alternative<ApproveAction>(given->command.body) ||
                   std::holds_alternative<RejectAction>(given->command.body));
}

}  // namespace

std::string key_of(model::ResourceKind kind, std::string_view name) {
  std::string key{model::to_text(kind)};
  key[0] = static_cast<char>(key[0] - 'A' + 'a');
  return cat(key, "/", name);
}

std::string generation_key(model::ResourceKind kind, std::string_view name, std::uint64_t generation) {
  return cat(key_of(kind, name), "/", padded(generation));
}

std::string revision_key(const PersonaName& persona, const InstanceName& instance, std::uint64_t number) {
  return cat(persona.value, "@", instance.value, "/", padded(number));
}

std::string candidate_key(const PersonaName& persona, const InstanceName& instance, std::uint64_t number) {
  return cat(persona.value, "@", instance.value, "/candidate/", padded(number));
}

bool is_candidate_key(std::string_view key) { return key.find("/candidate/") != std::string_view::npos; }

InstanceName prior_of(const PoolName& pool) { return InstanceName{cat("pool:", pool.value)}; }

bool is_prior(const InstanceName& instance) { return instance.value.starts_with("pool:"); }

std::string_view to_text(Role role) {
  switch (role) {
    case Role::agent: return "agent";
    case Role::viewer: return "viewer";
    case Role::operator_: return "operator";
    case Role::admin: return "admin";
  }
  return "unknown";
}

std::string encode_record(const Record& record) {
  Encoder encoder;
  encoder.put(record_version);
  encoder.put(record);
  return encoder.take();
}

Result<Record> decode_record(std::string_view bytes) {
  Decoder decoder{bytes};
  std::uint64_t version = 0;
  decoder.get(version);
  if (version == 0 || version > record_version)
    return Error{.code = Code::unsupported,
                 .message = cat("log record has version ", version, ", this program reads ", record_version,
                                ": run the newer program, or start with an empty data directory"),
                 .where = {},
                 .cause = {}};
  Record record;
  if (version <= 3 && is_frame(decoder)) {
    Frame3 old;
    decoder.varint();
    decoder.get(old);
    record = record_of(std::move(old));
  } else {
    decoder.get(record);
  }
  if (version == 2 && may_lack_comment(record)) return decode_uncommented(bytes);
  if (Status status = decoder.finish("log record"); !status) return std::move(status).error();
  return record;
}

}  // namespace mien::node
