// What people ask of the manager: each command is checked (also alone, for a dry run), then carried out.
#include <algorithm>

#include "base/text.h"
#include "model/persona.h"
#include "node/manager.h"
#include "policy/check.h"

namespace mien::node {
namespace {

Error error_of(Code code, std::string message) {
  return {.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

Error no_such(model::ResourceKind kind, std::string_view name) {
  return error_of(Code::not_found, cat("there is no ", model::to_text(kind), " \"", name, "\": see `mien get ",
                                       model::collection_of(kind), "`"));
}

std::string subject_of(const model::Resource& resource) {
  return cat(model::to_text(resource.kind), "/", resource.metadata.name);
}

bool same_intent(const model::Resource& a, const model::Resource& b) {
  return a.spec == b.spec && a.metadata.labels == b.metadata.labels && a.metadata.annotations == b.metadata.annotations;
}

constexpr std::string_view undone_by_files = "it was applied from files: the next apply will undo this";

bool is_from_files(const model::Resource& resource) { return resource.metadata.managed_by == "files"; }

// What can not be merged is wrong with what was sent, also when it is that a persona named there is missing.
Result<model::Value> within_spec(Result<model::Value> merged) {
  if (merged) return merged;
  Error error = std::move(merged).error();
  error.code = Code::invalid;
  if (error.where.starts_with('/')) error.where.insert(0, "/spec");
  return error;
}

// The schema knows forms, not what an expression means.
Status check_meaning(const model::Resource& wanted) {
  for (const model::Diagnostic& found : policy::check_expressions(wanted.kind, wanted.spec)) {
    if (found.gravity != model::Gravity::error) continue;
    Error error = error_of(Code::invalid, cat(found.message, found.suggestion.empty() ? "" : ": ", found.suggestion));
    error.where = cat("/spec", found.pointer);
    return error;
  }
  if (wanted.kind != model::ResourceKind::policy) return {};
  TRY(model::parse_policy(PolicyName{wanted.metadata.name}, 1, wanted.spec));
  return {};
}

Answer done(std::string name, std::uint64_t generation, std::string note) {
  return {.request = 0, .status = {}, .name = std::move(name), .generation = generation, .note = std::move(note)};
}

}  // namespace

void Manager::on(const Moment& at, const CommandGiven& given, Effects& out) {
  ++counters_.commands;
  Answer answer = std::visit(
      [&](const auto& body) {
        if (Status status = check(at.now, body); !status) {
          ++counters_.commands_refused;
          return Answer{.request = 0, .status = status, .name = {}, .generation = 0, .note = {}};
        }
        return carry_out(at, given.command.actor, body, out);
      },
      given.command.body);
  answer.request = given.command.request;
  out.answers.push_back(std::move(answer));
}

Answer Manager::rehearse(WallTime now, const CommandBody& body) const {
  Status status = std::visit([&](const auto& each) { return check(now, each); }, body);
  std::string note = status ? "would be done" : "";
  std::string name;
  if (const auto* put = std::get_if<PutResource>(&body); put && status) {
    Result<model::Resource> wanted = model::decode_resource(put->resource);
    const model::Resource* known = wanted ? resource(wanted->kind, wanted->metadata.name) : nullptr;
    note = !known ? "would be created" : same_intent(*known, *wanted) ? "unchanged" : "would be changed";
    if (wanted) name = wanted->metadata.name;
  }
  if (const auto* back = std::get_if<RollbackPersona>(&body); back && status) {
    name = back->persona.value;
    if (is_from_files(*resource(model::ResourceKind::persona, name))) note = undone_by_files;
  }
  return {.request = 0, .status = status, .name = std::move(name), .generation = 0, .note = std::move(note)};
}

// ---- resources ----

const model::Resource* Manager::resource(model::ResourceKind kind, std::string_view name) const {
  std::string key = key_of(kind, name);
  if (auto written = resources_.find(key); written != resources_.end()) return &written->second;
  auto built_in = builtin_.find(key);
  return built_in == builtin_.end() ? nullptr : &built_in->second;
}

Status Manager::check(WallTime, const PutResource& put) const {
  model::Resource wanted = TRY(model::decode_resource(put.resource));
  const model::Resource* known = resource(wanted.kind, wanted.metadata.name);
  std::uint64_t generation = known ? known->metadata.generation : 0;
  if (wanted.metadata.generation != 0 && wanted.metadata.generation != generation)
    return error_of(Code::conflict,
                    cat(subject_of(wanted), " is at generation ", generation, ", not ", wanted.metadata.generation,
                        ": somebody changed it; get it again, merge, and apply that"));
  if (!known && resources_.size() >= options_.limits.resources)
    return error_of(Code::exhausted,
                    cat("there are already ", resources_.size(), " resources, the limit: delete some first"));
  TRY(check_meaning(wanted));
  if (wanted.kind != model::ResourceKind::persona) return {};
  auto find = [&](std::string_view name) -> const model::Value* {
    if (name == wanted.metadata.name) return &wanted.spec;
    const model::Resource* persona = resource(model::ResourceKind::persona, name);
    return persona ? &persona->spec : nullptr;
  };
  model::PersonaSource source{.find = find, .names = {}};
  for (const auto* known_ones : {&builtin_, &resources_}) {
    for (const auto& [key, one] : *known_ones)
      if (one.kind == model::ResourceKind::persona) source.names.push_back(one.metadata.name);
  }
  PersonaName name{wanted.metadata.name};
  model::Value merged = TRY(within_spec(model::merge_persona(name, wanted.spec, source)));
  TRY(model::compile_expectation(name, generation + 1, merged));
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const PutResource& put, Effects& out) {
  model::Resource wanted = std::move(model::decode_resource(put.resource)).value();
  const model::Resource* known = resource(wanted.kind, wanted.metadata.name);
  if (known && same_intent(*known, wanted)) return done(wanted.metadata.name, known->metadata.generation, "unchanged");
  std::string note = known ? "changed" : "created";
  wanted.metadata.managed_by = put.from_files ? "files" : "";
  std::string name = wanted.metadata.name;
  write_resource(at, actor, std::move(wanted), "resource.applied", out);
  return done(name, resource(model::decode_resource(put.resource)->kind, name)->metadata.generation, note);
}

// Writes the next generation of a resource and lets every instance feel it.
void Manager::write_resource(const Moment& at, const std::string& actor, model::Resource wanted, std::string_view verb,
                             Effects& out) {
  const model::Resource* known = resource(wanted.kind, wanted.metadata.name);
  wanted.metadata.generation = known ? known->metadata.generation + 1 : 1;
  wanted.metadata.uid = known ? known->metadata.uid : cat("r-", at.position);
  wanted.metadata.created_at = known ? known->metadata.created_at : at.now;
  wanted.metadata.created_by = known ? known->metadata.created_by : actor;
  wanted.metadata.updated_at = at.now;
  std::string key = key_of(wanted.kind, wanted.metadata.name);
  std::string bytes = model::encode_resource(wanted);
  out.writes.push_back({.table = store::Table::resource, .key = key, .bytes = bytes});
  out.writes.push_back({.table = store::Table::generation,
                        .key = generation_key(wanted.kind, wanted.metadata.name, wanted.metadata.generation),
                        .bytes = bytes});
  out.audit.push_back({.at = at.now,
                       .actor = actor,
                       .verb = std::string(verb),
                       .subject = subject_of(wanted),
                       .cause = cat("log/", at.position),
                       .detail = cat("generation ", wanted.metadata.generation)});
  changed_resources_.push_back(key);
  policies_changed_ |= wanted.kind == model::ResourceKind::policy;
  resources_[key] = std::move(wanted);
  reassign(at, out);
}

Status Manager::check(WallTime, const DeleteResource& erase) const {
  auto known = resources_.find(key_of(erase.kind, erase.name));
  bool appeared = erase.kind == model::ResourceKind::instance && slots_.contains(InstanceName{erase.name});
  if (known == resources_.end() && appeared) return {};
  if (known == resources_.end() && builtin_.contains(key_of(erase.kind, erase.name)))
    return error_of(
        Code::refused,
        cat("\"", erase.name, "\" is built in and can not be deleted; apply one of the same name to replace it"));
  if (known == resources_.end()) return no_such(erase.kind, erase.name);
  if (erase.if_generation != 0 && erase.if_generation != known->second.metadata.generation)
    return error_of(Code::conflict,
                    cat("it is at generation ", known->second.metadata.generation, ", not ", erase.if_generation));
  if (erase.kind != model::ResourceKind::persona || builtin_.contains(known->first)) return {};
  for (const auto& [key, other] : resources_) {
    const model::Value* parents = other.kind == model::ResourceKind::persona ? other.spec.find("extends") : nullptr;
    if (!parents || !parents->list()) continue;
    for (const model::Value& parent : *parents->list())
      if (parent.text() && *parent.text() == erase.name)
        return error_of(Code::refused,
                        cat("Persona/", other.metadata.name, " extends \"", erase.name, "\": change that one first"));
  }
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const DeleteResource& erase, Effects& out) {
  std::string key = key_of(erase.kind, erase.name);
  policies_changed_ |= erase.kind == model::ResourceKind::policy;
  if (resources_.erase(key) != 0) out.writes.push_back({.table = store::Table::resource, .key = key, .bytes = {}});
  out.audit.push_back({.at = at.now,
                       .actor = actor,
                       .verb = "resource.deleted",
                       .subject = cat(model::to_text(erase.kind), "/", erase.name),
                       .cause = cat("log/", at.position),
                       .detail = ""});
  if (erase.kind == model::ResourceKind::instance) forget(at, InstanceName{erase.name}, "deleted by hand", out);
  changed_resources_.push_back(std::move(key));
  reassign(at, out);
  return done(erase.name, 0, "deleted");
}

Status Manager::check(WallTime now, const RollbackPersona& rollback) const {
  if (!resource(model::ResourceKind::persona, rollback.persona.value))
    return no_such(model::ResourceKind::persona, rollback.persona.value);
  if (rollback.resource.empty())
    return error_of(Code::not_found, cat("persona \"", rollback.persona.value, "\" has no generation ", rollback.to,
                                         ": see `mien diff ", rollback.persona.value, "`"));
  model::Resource wanted = TRY(model::decode_resource(rollback.resource));
  wanted.metadata.generation = 0;
  return check(now, PutResource{.resource = model::encode_resource(wanted), .from_files = false});
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const RollbackPersona& rollback, Effects& out) {
  model::Resource wanted = std::move(model::decode_resource(rollback.resource)).value();
  const model::Resource* known = resource(model::ResourceKind::persona, rollback.persona.value);
  std::string note(is_from_files(*known) ? undone_by_files : "rolled back");
  wanted.metadata.managed_by = known->metadata.managed_by;
  write_resource(at, actor, std::move(wanted), "persona.rolled_back", out);
  for (const std::string& bytes : rollback.revisions) {
    Result<model::PersonaRevision> revision = decode<model::PersonaRevision>(bytes, "revision");
    auto slot = revision ? slots_.find(revision->instance) : slots_.end();
    if (slot == slots_.end()) continue;
    slot->second.instance.restore_revision({.now = at.now, .position = at.position}, *revision, out);
    touched(*slot);
  }
  return done(rollback.persona.value,
              resource(model::ResourceKind::persona, rollback.persona.value)->metadata.generation, note);
}

Status Manager::check(WallTime, const RollbackInstance& rollback) const {
  if (is_prior(rollback.instance))
    return error_of(Code::refused, "a pool's prior follows its members and can not be rolled back; roll back a member");
  if (!slots_.contains(rollback.instance)) return no_such(model::ResourceKind::instance, rollback.instance.value);
  if (rollback.revision.empty())
    return error_of(Code::not_found, cat("there is no revision ", rollback.persona.value, "@", rollback.instance.value,
                                         "/", rollback.to, ": see `mien get revisions`"));
  TRY(decode<model::PersonaRevision>(rollback.revision, "revision"));
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const RollbackInstance& rollback, Effects& out) {
  model::PersonaRevision revision = decode<model::PersonaRevision>(rollback.revision, "revision").value();
  Known& known = *slots_.find(rollback.instance);
  bool promoted = known.second.instance.is_candidate(revision.persona, revision.number);
  known.second.instance.restore_revision({.now = at.now, .position = at.position}, revision, out);
  touched(known);
  std::string name = cat(rollback.persona.value, "@", rollback.instance.value, "/", rollback.to);
  out.audit.push_back({.at = at.now,
                       .actor = actor,
                       .verb = promoted ? "revision.promoted" : "revision.rolled_back",
                       .subject = cat("Revision/", name),
                       .cause = cat("log/", at.position),
                       .detail = ""});
  return done(name, rollback.to, promoted ? "promoted" : "rolled back");
}

// ---- which persona ----

std::pair<PersonaName, std::string> Manager::persona_of(const InstanceState& state, const model::Resource* own,
                                                        const PoolName& pool) const {
  if (state.manual && resource(model::ResourceKind::persona, state.manual->persona.value))
    return {state.manual->persona, "activated by hand"};
  std::vector<PersonaName> listed;
  std::string where = "listed by the instance";
  if (own)
    if (Result<model::InstanceSpec> spec = model::parse_instance_spec(own->spec)) listed = spec->personas;
  if (listed.empty() && !pool.empty()) {
    const model::Resource* group = resource(model::ResourceKind::pool, pool.value);
    if (group)
      if (Result<model::PoolSpec> spec = model::parse_pool_spec(group->spec)) listed = spec->personas;
    where = cat("listed by pool ", pool.value);
  }
  const PersonaName* last = nullptr;
  for (const PersonaName& name : listed) {
    const model::Resource* persona = resource(model::ResourceKind::persona, name.value);
    if (!persona) continue;
    last = &name;
    const model::Value* activation = persona->spec.find("activation");
    bool unconditional = !activation || !activation->list() || activation->list()->empty();
    if (unconditional) return {name, where + ", the first without activation rules"};
  }
  if (last) return {*last, where + ", the last one"};
  return {PersonaName{std::string(model::default_persona)},
          listed.empty() ? "the default" : "none of the listed personas exists; the default"};
}

Result<model::Expectation> Manager::expectation_of(const PersonaName& persona) const {
  if (auto known = compiled_.find(persona); known != compiled_.end()) return known->second;
  const model::Resource* written = resource(model::ResourceKind::persona, persona.value);
  if (!written) return no_such(model::ResourceKind::persona, persona.value);
  auto find = [this](std::string_view name) -> const model::Value* {
    const model::Resource* parent = resource(model::ResourceKind::persona, name);
    return parent ? &parent->spec : nullptr;
  };
  model::PersonaSource source{.find = find, .names = {}};
  model::Value merged = TRY(model::merge_persona(persona, written->spec, source));
  model::Expectation expectation = TRY(model::compile_expectation(persona, written->metadata.generation, merged));
  return compiled_[persona] = std::move(expectation);
}

Assignment Manager::assignment_of(const InstanceState& state) const {
  const model::Resource* own = resource(model::ResourceKind::instance, state.name.value);
  Assignment assignment;
  if (own) {
    assignment.labels = own->metadata.labels;
    if (Result<model::InstanceSpec> spec = model::parse_instance_spec(own->spec)) assignment.pool = spec->pool;
  }
  for (const auto& [key, other] : resources_) {
    if (other.kind != model::ResourceKind::pool || !assignment.pool.empty()) continue;
    Result<model::PoolSpec> pool = model::parse_pool_spec(other.spec);
    if (pool && model::matches(pool->selector, assignment.labels)) assignment.pool = PoolName{other.metadata.name};
  }
  std::tie(assignment.persona, assignment.reason) = persona_of(state, own, assignment.pool);
  Result<model::Expectation> expectation = expectation_of(assignment.persona);
  if (expectation) {
    assignment.expectation = std::move(*expectation);
  } else {
    assignment.expectation.persona = assignment.persona;
    assignment.reason += cat("; it declares nothing, because ", expectation.error().to_string());
  }
  return assignment;
}

void Manager::reassign(const Moment& at, Effects& out) {
  compiled_.clear();
  for (Known& known : slots_) {
    Instance& instance = known.second.instance;
    Assignment assignment = assignment_of(instance.state());
    if (assignment == instance.state().assignment) continue;
    instance.assign({.now = at.now, .position = at.position}, std::move(assignment), out);
    inherit(at, instance, instance.state().series, out);
    touched(known);
  }
}

Status Manager::check(WallTime, const Activate& activate) const {
  if (!slots_.contains(activate.instance)) return no_such(model::ResourceKind::instance, activate.instance.value);
  if (activate.lasting < Duration{0}) return error_of(Code::invalid, "an activation can not last a negative time");
  TRY(expectation_of(activate.persona));
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const Activate& activate, Effects& out) {
  Known& known = *slots_.find(activate.instance);
  Instance& instance = known.second.instance;
  WallTime expires = activate.lasting == Duration{0} ? WallTime{} : at.now + activate.lasting;
  instance.state().manual = ManualActivation{.persona = activate.persona, .expires_at = expires};
  instance.assign({.now = at.now, .position = at.position}, assignment_of(instance.state()), out);
  inherit(at, instance, instance.state().series, out);
  touched(known);
  std::string until = expires.ns == 0 ? "until it is deactivated" : cat("until ", to_rfc3339(expires));
  out.audit.push_back({.at = at.now,
                       .actor = actor,
                       .verb = "persona.activated_by_hand",
                       .subject = cat("Instance/", activate.instance.value),
                       .cause = cat("log/", at.position),
                       .detail = cat(activate.persona.value, ", ", until)});
  return done(activate.persona.value, 0, cat("active ", until));
}

Status Manager::check(WallTime, const Deactivate& deactivate) const {
  const Instance* instance = find(deactivate.instance);
  if (!instance) return no_such(model::ResourceKind::instance, deactivate.instance.value);
  const std::optional<ManualActivation>& manual = instance->state().manual;
  if (!manual) return error_of(Code::not_found, "no persona is activated by hand on this instance");
  if (!deactivate.persona.empty() && deactivate.persona != manual->persona)
    return error_of(Code::not_found, cat("the persona activated by hand is \"", manual->persona.value, "\""));
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const Deactivate& deactivate, Effects& out) {
  Known& known = *slots_.find(deactivate.instance);
  Instance& instance = known.second.instance;
  std::string persona = instance.state().manual->persona.value;
  instance.state().manual.reset();
  instance.assign({.now = at.now, .position = at.position}, assignment_of(instance.state()), out);
  inherit(at, instance, instance.state().series, out);
  touched(known);
  out.audit.push_back({.at = at.now,
                       .actor = actor,
                       .verb = "persona.deactivated_by_hand",
                       .subject = cat("Instance/", deactivate.instance.value),
                       .cause = cat("log/", at.position),
                       .detail = persona});
  return done(instance.state().assignment.persona.value, 0, cat("now ", instance.state().assignment.reason));
}

// ---- findings and access ----

Status Manager::check(WallTime, const AcknowledgeFinding& acknowledge) const {
  for (const auto& [name, slot] : slots_)
    for (const OpenFinding& open : slot.instance.state().open)
      if (open.finding.id == acknowledge.finding) return {};
  return error_of(Code::not_found,
                  cat("there is no open finding \"", acknowledge.finding.value, "\": see `mien findings`"));
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const AcknowledgeFinding& acknowledge,
                          Effects& out) {
  for (Known& known : slots_)
    if (known.second.instance.acknowledge({.now = at.now, .position = at.position}, acknowledge.finding,
                                          acknowledge.comment, actor, out))
      touched(known);
  return done(acknowledge.finding.value, 0, "acknowledged");
}

Status Manager::check(WallTime, const PutAccess& put) const {
  if (!put.bytes.empty()) TRY(decode<Access>(put.bytes, "access"));
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string& actor, const PutAccess& put, Effects& out) {
  // "enrollment/<hash>" is Enrollment/<first digits> to people.
  std::string kind = put.key.substr(0, put.key.find('/'));
  std::string subject = put.key.substr(0, kind.size() + 9);
  if (subject[0] >= 'a' && subject[0] <= 'z') subject[0] = static_cast<char>(subject[0] - 'a' + 'A');
  std::string detail = "forgotten";
  if (put.bytes.empty()) {
    revoke(put.key);
    out.writes.push_back({.table = store::Table::access, .key = put.key, .bytes = {}});
  } else {
    Access access = decode<Access>(put.bytes, "access").value();
    detail = cat(to_text(access.role), " ", access.name);
    out.writes.push_back({.table = store::Table::access, .key = put.key, .bytes = put.bytes});
    grant(put.key, std::move(access));
  }
  out.audit.push_back({.at = at.now,
                       .actor = actor,
                       .verb = cat(kind, ".changed"),
                       .subject = std::move(subject),
                       .cause = cat("log/", at.position),
                       .detail = detail});
  return done(put.key, 0, detail);
}

Status Manager::check(WallTime now, const RedeemEnrollment& redeem) const {
  auto enrollment = access_.find(cat("enrollment/", redeem.enrollment_hash));
  if (enrollment == access_.end())
    return error_of(Code::refused,
                    "this enrolment is unknown or was used already: make a new one with `mien enroll` on the manager");
  if (enrollment->second.expires_at.ns != 0 && enrollment->second.expires_at < now)
    return error_of(Code::refused, "this enrolment has expired: make a new one with `mien enroll` on the manager");
  if (redeem.agent.empty()) return error_of(Code::invalid, "an agent must say its host name");
  return {};
}

Answer Manager::carry_out(const Moment& at, const std::string&, const RedeemEnrollment& redeem, Effects& out) {
  std::string used = cat("enrollment/", redeem.enrollment_hash);
  std::string token = cat("token/", redeem.token_hash);
  Access access{.role = Role::agent, .name = redeem.agent, .selector = {}, .expires_at = {}};
  out.writes.push_back({.table = store::Table::access, .key = used, .bytes = {}});
  out.writes.push_back({.table = store::Table::access, .key = token, .bytes = encode(access)});
  revoke(used);
  grant(token, std::move(access));
  out.audit.push_back({.at = at.now,
                       .actor = cat("agent ", redeem.agent),
                       .verb = "agent.enrolled",
                       .subject = cat("Agent/", redeem.agent),
                       .cause = cat("log/", at.position),
                       .detail = cat("with Enrollment/", redeem.enrollment_hash.substr(0, 8))});
  return done(redeem.agent, 0, "enrolled");
}

}  // namespace mien::node
