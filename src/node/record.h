// What can happen to a manager: the records of its log. Its state is the fold of these (docs/formats/log.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/codec.h"
#include "model/action.h"
#include "model/resource.h"
#include "model/telemetry.h"
#include "remedy/remedy.h"
#include "store/ledger.h"

namespace mien::node {

// ---- commands: what a person or an agent asks for; answered once its group is committed ----

struct PutResource {
  std::string resource;  // model::encode_resource; metadata.generation != 0 must equal the present one
  bool from_files = false;
  static constexpr auto fields =
      std::tuple{field("resource", &PutResource::resource), field("from_files", &PutResource::from_files)};
};

struct DeleteResource {
  model::ResourceKind kind = model::ResourceKind::persona;
  std::string name;
  std::uint64_t if_generation = 0;  // 0: whatever is there
  static constexpr auto fields = std::tuple{field("kind", &DeleteResource::kind), field("name", &DeleteResource::name),
                                            field("if_generation", &DeleteResource::if_generation)};
};

// Generation `to` of a persona becomes a new generation; every instance gets the newest revision it had under it.
struct RollbackPersona {
  PersonaName persona;
  std::uint64_t to = 0;
  std::string resource;  // encoded model::Resource of generation `to`, filled by complete()
  std::vector<std::string>
      revisions;  // encoded model::PersonaRevision, the newest under `to` of each instance, likewise
  static constexpr auto fields =
      std::tuple{field("persona", &RollbackPersona::persona), field("to", &RollbackPersona::to),
                 field("resource", &RollbackPersona::resource), field("revisions", &RollbackPersona::revisions)};
};

// Revision `to` of one instance's persona comes back: `rollback web-frontend@web-01 --to 12`.
// The stored bytes travel in the command, because a machine never reads: complete() (node/manager_driver.h) fills them.
struct RollbackInstance {
  PersonaName persona;
  InstanceName instance;
  std::uint64_t to = 0;
  std::string revision;  // encoded model::PersonaRevision
  static constexpr auto fields =
      std::tuple{field("persona", &RollbackInstance::persona), field("instance", &RollbackInstance::instance),
                 field("to", &RollbackInstance::to), field("revision", &RollbackInstance::revision)};
};

struct Activate {
  PersonaName persona;
  InstanceName instance;
  Duration lasting{};  // 0: until deactivated
  static constexpr auto fields =
      std::tuple{field("persona", &Activate::persona), field("instance", &Activate::instance),
                 field("lasting", &Activate::lasting)};
};

struct Deactivate {
  PersonaName persona;  // empty: whatever is activated by hand
  InstanceName instance;
  static constexpr auto fields =
      std::tuple{field("persona", &Deactivate::persona), field("instance", &Deactivate::instance)};
};

struct AcknowledgeFinding {
  FindingId finding;
  std::string comment;
  static constexpr auto fields =
      std::tuple{field("finding", &AcknowledgeFinding::finding), field("comment", &AcknowledgeFinding::comment)};
};

// Stores (or with empty bytes forgets) a token or enrolment; only hashes of secrets ever get here.
struct PutAccess {
  std::string key;    // "token/<sha256 hex>" or "enrollment/<sha256 hex>"
  std::string bytes;  // encoded node::Access
  static constexpr auto fields = std::tuple{field("key", &PutAccess::key), field("bytes", &PutAccess::bytes)};
};

// An agent trades a one-time enrolment for a token of its own; refused when the enrolment is unknown, used or expired.
struct RedeemEnrollment {
  std::string enrollment_hash;  // hex SHA-256 of the one-time token
  std::string token_hash;       // hex SHA-256 of the agent's new token
  std::string agent;            // the agent's host name
  static constexpr auto fields =
      std::tuple{field("enrollment_hash", &RedeemEnrollment::enrollment_hash),
                 field("token_hash", &RedeemEnrollment::token_hash), field("agent", &RedeemEnrollment::agent)};
};

// ---- what people decide about actions ----
struct ApproveAction {
  ActionId action;
  std::string comment = {};  // for the audit
  static constexpr auto fields =
      std::tuple{field("action", &ApproveAction::action), field("comment", &ApproveAction::comment)};
};
struct RejectAction {
  ActionId action;
  std::string comment = {};
  static constexpr auto fields =
      std::tuple{field("action", &RejectAction::action), field("comment", &RejectAction::comment)};
};
struct RevertAction {
  ActionId action;
  static constexpr auto fields = std::tuple{field("action", &RevertAction::action)};
};
// Stops automatic action (or learning); what is in force stays until its lease ends.
struct PutHold {
  remedy::HoldScope scope;
  Duration lasting{};  // 0: until resumed
  static constexpr auto fields = std::tuple{field("scope", &PutHold::scope), field("lasting", &PutHold::lasting)};
};
struct EndHold {
  remedy::HoldScope scope;
  static constexpr auto fields = std::tuple{field("scope", &EndHold::scope)};
};
// Hands back: ends every lease of an instance and of what runs on it; of everything when empty.
struct ReleaseActions {
  InstanceName instance;
  static constexpr auto fields = std::tuple{field("instance", &ReleaseActions::instance)};
};

// "persona/web-frontend": the key of a resource in the ledger and in views.
[[nodiscard]] std::string key_of(model::ResourceKind kind, std::string_view name);
// "persona/web-frontend/000000000012" and "web-frontend@web-01/000000000012": generations and revisions, in order.
[[nodiscard]] std::string generation_key(model::ResourceKind kind, std::string_view name, std::uint64_t generation);
[[nodiscard]] std::string revision_key(const PersonaName& persona, const InstanceName& instance, std::uint64_t number);
// "web-frontend@web-01/candidate/000000000013": of one that nobody promoted yet.
[[nodiscard]] std::string candidate_key(const PersonaName& persona, const InstanceName& instance, std::uint64_t number);
[[nodiscard]] bool is_candidate_key(std::string_view key);
// A pool's prior is a revision of "pool:web"; no instance may be called so.
[[nodiscard]] InstanceName prior_of(const PoolName& pool);
[[nodiscard]] bool is_prior(const InstanceName& instance);

using CommandBody = std::variant<PutResource, DeleteResource, RollbackPersona, RollbackInstance, Activate, Deactivate,
                                 AcknowledgeFinding, PutAccess, RedeemEnrollment, ApproveAction, RejectAction,
                                 RevertAction, PutHold, EndHold, ReleaseActions>;

struct Command {
  std::uint64_t request = 0;  // the waiting caller, unique among those of this process; not unique across restarts
  std::string actor;          // who, for the audit
  CommandBody body;
  static constexpr auto fields =
      std::tuple{field("request", &Command::request), field("actor", &Command::actor), field("body", &Command::body)};
};

// What a token may do. Roles are ordered: each may do what those before it may.
enum class Role : std::uint8_t { agent = 0, viewer = 1, operator_ = 2, admin = 3 };
[[nodiscard]] std::string_view to_text(Role role);

struct Access {
  Role role = Role::viewer;
  std::string name;      // who holds it: appears in the audit
  std::string selector;  // label selector "role=web,tier=front"; empty: everything
  WallTime expires_at;   // 0: never
  static constexpr auto fields =
      std::tuple{field("role", &Access::role), field("name", &Access::name), field("selector", &Access::selector),
                 field("expires_at", &Access::expires_at)};
};

// ---- records ----

struct FrameArrived {
  model::Frame frame;
  static constexpr auto fields = std::tuple{field("frame", &FrameArrived::frame)};
};

struct CommandGiven {
  Command command;
  static constexpr auto fields = std::tuple{field("command", &CommandGiven::command)};
};

// Time alone changes something: a silence, an expiry, an end. Looked for once a second (ManagerDriver::time_matters); a
// tick that was not needed changes nothing.
struct TickPassed {
  static constexpr auto fields = std::tuple{};
};

// A manager took the shard over. If the log it found is shorter than or different from what the ledger had folded, the
// gap stands here: nothing is skipped in silence.
struct EpochStarted {
  std::uint64_t epoch = 0;
  std::string engine;             // program version that folds from here on
  store::LogPosition folded = 0;  // what the ledger had folded
  store::LogPosition found = 0;   // last position of the log as found
  bool log_differs = false;       // the record at `folded` is not the one that was folded, or is gone
  static constexpr auto fields =
      std::tuple{field("epoch", &EpochStarted::epoch), field("engine", &EpochStarted::engine),
                 field("folded", &EpochStarted::folded), field("found", &EpochStarted::found),
                 field("log_differs", &EpochStarted::log_differs)};
};

// An agent said what became of its orders, or what may be done on its machine.
struct AgentReported {
  std::string agent;
  std::optional<model::Abilities> abilities;
  std::vector<model::ActionReport> reports;
  static constexpr auto fields =
      std::tuple{field("agent", &AgentReported::agent), field("abilities", &AgentReported::abilities),
                 field("reports", &AgentReported::reports)};
};

using Record = std::variant<FrameArrived, CommandGiven, TickPassed, EpochStarted, AgentReported>;

[[nodiscard]] std::string encode_record(const Record& record);
[[nodiscard]] Result<Record> decode_record(std::string_view bytes);

}  // namespace mien::node
