// Folding in what a persona extends (see persona.h for the rules).
//
// Every leaf remembers which persona wrote it, so that a contradiction can name both sides and a parent that overrides
// its own parent is told from two parents that disagree.
#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.h"
#include "model/persona.h"

namespace mien::model {
namespace {

constexpr std::size_t max_parents = 16;
constexpr int max_levels = 16;

Error invalid(std::string message, std::string where = {}) {
  return Error{.code = Code::invalid, .message = std::move(message), .where = std::move(where), .cause = {}};
}

// A value with the persona that wrote it. A map is always in `members`, never in `leaf`.
struct Traced {
  Value leaf;
  std::string origin;
  std::map<std::string, Traced> members;
  bool is_map = false;
};

struct Merged {
  Traced tree;
  std::set<std::string> ancestors;  // all it extends, directly or not
};

Traced trace(const Value& value, const std::string& origin) {
  Traced traced;
  traced.origin = origin;
  if (const auto* map = value.map()) {
    traced.is_map = true;
    for (const auto& [key, member] : *map) traced.members.emplace(key, trace(member, origin));
  } else {
    traced.leaf = value;
  }
  return traced;
}

Value untrace(const Traced& traced) {
  if (!traced.is_map) return traced.leaf;
  Value::Map map;
  for (const auto& [key, member] : traced.members) {
    if (!member.is_map && member.leaf.is_null()) continue;  // taken away by `null`
    map.emplace(key, untrace(member));
  }
  return Value(std::move(map));
}

// First `a`, then what only `b` has.
Value unite_lists(const Value::List& a, const Value::List& b) {
  Value::List out;
  std::set<std::string> seen;
  for (const auto* list : {&a, &b})
    for (const Value& item : *list)
      if (seen.insert(encode_value(item)).second) out.push_back(item);
  return Value(std::move(out));
}

std::string shown(const Traced& traced) {
  if (traced.is_map) return "a map";
  if (const auto* text = traced.leaf.text()) return cat('`', *text, '`');
  if (const auto* flag = traced.leaf.boolean()) return *flag ? "`true`" : "`false`";
  if (auto number = traced.leaf.number()) return cat('`', to_text(*number), '`');
  return traced.leaf.list() ? "a list" : "nothing";
}

class Merger {
 public:
  explicit Merger(const PersonaSource& personas) : personas_(personas) {}

  Result<const Merged*> merged(const std::string& name, const Value& spec, const std::vector<std::string>& path) {
    if (auto done = done_.find(name); done != done_.end()) return &done->second;
    if (path.size() >= max_levels)
      return invalid(cat("personas extend each other over more than ", max_levels, " levels: ", join(path, name)));
    std::vector<std::string> below = path;
    below.push_back(name);
    Merged result;
    result.tree.is_map = true;
    for (const std::string& parent : TRY(parents_of(name, spec))) {
      if (std::find(below.begin(), below.end(), parent) != below.end())
        return invalid(cat("personas extend each other in a circle: ", join(below, parent), "; take one of them out"),
                       "/extends");
      const Value* parent_spec = personas_.find ? personas_.find(parent) : nullptr;
      if (!parent_spec) return unknown(name, parent);
      const Merged* base = TRY(merged(parent, *parent_spec, below));
      known_ancestors_[parent] = base->ancestors;
      if (Status status = fold_parent(result.tree, base->tree, &spec, ""); !status) return std::move(status).error();
      result.ancestors.insert(base->ancestors.begin(), base->ancestors.end());
      result.ancestors.insert(parent);
    }
    overlay(result.tree, own(spec, name));
    known_ancestors_[name] = result.ancestors;
    return &done_.emplace(name, std::move(result)).first->second;
  }

 private:
  static std::string join(const std::vector<std::string>& path, const std::string& last) {
    std::string out;
    for (const std::string& each : path) out += each + " -> ";
    return out + last;
  }

  // What the persona says itself, without what is not inherited by those that extend it.
  static Traced own(const Value& spec, const std::string& name) {
    Traced traced = trace(spec, name);
    traced.members.erase("extends");
    return traced;
  }

  Error unknown(const std::string& name, const std::string& parent) const {
    auto near = nearest(parent, personas_.names);
    return Error{.code = Code::not_found,
                 .message = cat("persona ", name, " extends ", parent, ", which does not exist",
                                near ? cat("; did you mean ", *near, "?") : cat("; apply ", parent, " first")),
                 .where = "/extends",
                 .cause = {}};
  }

  static Result<std::vector<std::string>> parents_of(const std::string& name, const Value& spec) {
    std::vector<std::string> parents;
    const Value* extends = spec.find("extends");
    if (!extends || extends->is_null()) return parents;
    if (!extends->list()) return invalid("`extends` is a list of persona names: write [linux-server]", "/extends");
    for (const Value& item : *extends->list()) {
      if (!item.text()) return invalid("`extends` is a list of persona names: write [linux-server]", "/extends");
      if (std::find(parents.begin(), parents.end(), *item.text()) != parents.end())
        return invalid(cat("persona ", name, " extends ", *item.text(), " twice"), "/extends");
      parents.push_back(*item.text());
    }
    if (parents.size() > max_parents)
      return invalid(cat("persona ", name, " extends ", parents.size(), " personas; at most ", max_parents),
                     "/extends");
    return parents;
  }

  // Is `older` something that the persona `newer` was built on?
  bool builds_on(const std::string& newer, const std::string& older) const {
    auto found = known_ancestors_.find(newer);
    return found != known_ancestors_.end() && found->second.contains(older);
  }

  // Folds a parent into what the parents before it gave. `own` is what the child writes at this place: it settles any
  // contradiction, because it will be laid over both.
  Status fold_parent(Traced& into, const Traced& from, const Value* own, const std::string& pointer) {
    for (const auto& [key, theirs] : from.members) {
      if (pointer.empty() && key == "activation") continue;  // when a parent applies says nothing of its child
      auto [place, fresh] = into.members.try_emplace(key, theirs);
      if (fresh) continue;
      Traced& ours = place->second;
      const Value* settled = own ? own->find(key) : nullptr;
      std::string here = pointer_to(pointer, key);
      if (ours.is_map && theirs.is_map) {
        if (settled && !settled->map()) continue;
        if (Status status = fold_parent(ours, theirs, settled, here); !status) return std::move(status).error();
      } else if (ours.leaf.list() && theirs.leaf.list()) {
        ours.leaf = unite_lists(*ours.leaf.list(), *theirs.leaf.list());
      } else if (ours.is_map == theirs.is_map && ours.leaf == theirs.leaf) {
        if (builds_on(theirs.origin, ours.origin)) ours.origin = theirs.origin;
      } else if (builds_on(theirs.origin, ours.origin)) {
        ours = theirs;
      } else if (!builds_on(ours.origin, theirs.origin) && !settled) {
        return invalid(cat(ours.origin, " says ", shown(ours), " and ", theirs.origin, " says ", shown(theirs), " for ",
                           here, "; say which one you mean in the persona that extends both"),
                       here);
      }
    }
    return {};
  }

  // Lays what a persona says itself over what it inherits.
  static void overlay(Traced& inherited, const Traced& own, int level = 0, std::string_view parent_key = {}) {
    // A distribution is declared as a whole: its parameters mean nothing under another one.
    if (level == 2 && parent_key == "behavior" && own.members.contains("distribution"))
      for (const char* key : {"distribution", "mean", "stddev", "min", "max", "value"}) inherited.members.erase(key);
    for (const auto& [key, mine] : own.members) {
      auto [place, fresh] = inherited.members.try_emplace(key, mine);
      if (fresh) continue;
      Traced& theirs = place->second;
      if (theirs.is_map && mine.is_map)
        overlay(theirs, mine, level + 1, level == 0 ? std::string_view(key) : parent_key);
      else if (theirs.leaf.list() && mine.leaf.list())
        theirs = {.leaf = unite_lists(*theirs.leaf.list(), *mine.leaf.list()),
                  .origin = mine.origin,
                  .members = {},
                  .is_map = false};
      else theirs = mine;
    }
  }

  const PersonaSource& personas_;
  std::map<std::string, Merged> done_;
  std::map<std::string, std::set<std::string>> known_ancestors_;
};

}  // namespace

Result<Value> merge_persona(const PersonaName& name, const Value& spec, const PersonaSource& personas) {
  if (!spec.is_null() && !spec.map()) return invalid(cat("the spec of persona ", name.value, " is not a map"));
  Merger merger(personas);
  const Merged* result = TRY(merger.merged(name.value, spec, {}));
  return untrace(result->tree);
}

}  // namespace mien::model
