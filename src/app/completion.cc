#include "app/completion.h"

#include <algorithm>
#include <array>

#include "app/help.h"
#include "app/verbs.h"
#include "base/text.h"

namespace mien::app {
namespace {

constexpr std::string_view bash_script = R"(_mien() {
  local IFS=$'\n'
  COMPREPLY=($(mien __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ ${#COMPREPLY[@]} -eq 0 ] && compopt -o default
}
complete -F _mien mien
)";

constexpr std::string_view zsh_script = R"(#compdef mien
_mien() {
  local -a answers
  answers=("${(@f)$(mien __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${answers[1]}" ]]; then compadd -- "${answers[@]}"; else _files; fi
}
compdef _mien mien
)";

constexpr std::string_view fish_script =
    R"(complete -c mien -a '(mien __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
)";

// Verbs whose first word is a kind, and those whose word is a name of one kind.
constexpr std::array<std::string_view, 3> take_kind{"get", "describe", "delete"};
constexpr std::array<std::string_view, 9> kinds{"personas",  "instances", "pools",     "policies", "signals",
                                                "revisions", "findings",  "decisions", "actions"};
struct NameOf {
  std::string_view verb;
  std::string_view collection;
};
constexpr std::array<NameOf, 16> take_name{{{"diff", "personas"},
                                            {"facts", "instances"},
                                            {"why", "actions"},
                                            {"approve", "actions"},
                                            {"reject", "actions"},
                                            {"revert", "actions"},
                                            {"actions", "instances"},
                                            {"release", "instances"},
                                            {"rollback", "personas"},
                                            {"activate", "personas"},
                                            {"deactivate", "personas"},
                                            {"drift", "instances"},
                                            {"why", "instances"},
                                            {"ack", "findings"},
                                            {"explain", "findings"},
                                            {"explain", "instances"}}};

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

const CLI::Option* option_of(const CLI::App& program, const CLI::App* verb, const std::string& word) {
  const CLI::Option* found = verb == nullptr ? nullptr : verb->get_option_no_throw(word);
  return found != nullptr ? found : program.get_option_no_throw(word);
}

struct Typed {
  const CLI::App* verb = nullptr;
  std::vector<std::string> positionals;  // whole ones, after the verb
  std::string awaiting;                  // the option whose value stands at the cursor
};

Typed understand(const CLI::App& program, const std::vector<std::string>& words) {
  Typed typed;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    typed.awaiting.clear();
    if (words[i].starts_with('-') && words[i].size() > 1) {
      const CLI::Option* option = option_of(program, typed.verb, words[i]);
      bool takes_value = option != nullptr && option->get_items_expected_max() > 0;
      if (takes_value && i + 2 == words.size()) typed.awaiting = words[i];
      if (takes_value) ++i;
    } else if (typed.verb == nullptr) {
      typed.verb = find_verb(program, words[i]);
    } else {
      typed.positionals.push_back(words[i]);
    }
  }
  return typed;
}

std::vector<std::string> values_of(const std::string& option, const NamesOf& names_of) {
  if (option == "-o" || option == "--output") return {"table", "json", "yaml"};
  if (option == "--format") return {"csv", "sequence"};
  if (option == "--instance") return names_of("instances");
  if (option == "--pool") return names_of("pools");
  return {};
}

std::vector<std::string> words_for(const CLI::App& program, const Typed& typed, const NamesOf& names_of) {
  const std::string& verb = typed.verb->get_name();
  if (verb == "help" && typed.positionals.empty()) return verb_names(program);
  if (verb == "completion" && typed.positionals.empty()) return {"bash", "zsh", "fish"};
  if (std::find(take_kind.begin(), take_kind.end(), verb) != take_kind.end()) {
    if (typed.positionals.empty()) return {kinds.begin(), kinds.end()};
    return names_of(typed.positionals.front());
  }
  std::vector<std::string> out;
  if (!typed.positionals.empty()) return out;
  for (const NameOf& each : take_name) {
    if (each.verb != verb) continue;
    std::vector<std::string> names = names_of(std::string(each.collection));
    out.insert(out.end(), names.begin(), names.end());
  }
  return out;
}

// The names of a collection, as the server has them now. Completion stays silent where there is no server.
std::vector<std::string> ask_names(Session& session, const std::string& kind) {
  std::optional<model::ResourceKind> known = model::parse_resource_kind(kind);
  std::string collection = known ? std::string(model::collection_of(*known)) : kind;
  Result<Client*> manager = session.manager();
  if (!manager) return {};
  Result<wire::Document> list = (*manager)->list("/api/v1/" + collection);
  if (!list) return {};
  std::vector<std::string> names;
  for (const wire::Document& item : member_at(*list, "/items")) {
    for (const char* pointer : {"/metadata/name", "/name", "/id"}) {
      std::string name = text_at(item, pointer);
      if (name.empty()) continue;
      names.push_back(printable(name));
      break;
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> complete(const CLI::App& program, const std::vector<std::string>& words,
                                  const NamesOf& names_of) {
  std::string begun = words.empty() ? std::string{} : words.back();
  Typed typed = understand(program, words);
  std::vector<std::string> candidates;
  if (!typed.awaiting.empty()) {
    // A verb's own --output is a file.
    bool own = typed.verb != nullptr && typed.awaiting == "--output" && typed.verb->get_option_no_throw("--output");
    if (!own) candidates = values_of(typed.awaiting, names_of);
  } else if (begun.starts_with('-')) {
    candidates = option_names(program);
    if (typed.verb != nullptr) {
      std::vector<std::string> more = option_names(*typed.verb);
      candidates.insert(candidates.end(), more.begin(), more.end());
    }
  } else {
    candidates = typed.verb == nullptr ? verb_names(program) : words_for(program, typed, names_of);
  }
  std::erase_if(candidates, [&](const std::string& candidate) { return !candidate.starts_with(begun); });
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  return candidates;
}

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script;
  if (shell == "zsh") return zsh_script;
  if (shell == "fish") return fish_script;
  return {};
}

void add_completion_verb(CLI::App& program, Session& session) {
  auto shell = std::make_shared<std::string>();
  CLI::App* verb =
      add_verb(program, "completion", "Print what a shell needs to complete verbs, options and names", "The program");
  verb->add_option("SHELL", *shell, "bash, zsh or fish")->required();
  on_chosen(verb, session, [shell](Session& s) -> Status {
    std::string_view script = completion_script(*shell);
    if (script.empty()) return usage_error(cat("completion is for bash, zsh and fish, not ", *shell));
    s.out << script;
    return {};
  });

  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* ask = add_verb(program, "__complete", "What may stand at the cursor", "");
  ask->add_option("WORD", *words, "The words after `mien`");
  on_chosen(ask, session, [words, &program](Session& s) -> Status {
    for (const std::string& word :
         complete(program, *words, [&s](const std::string& kind) { return ask_names(s, kind); }))
      s.out << word << "\n";
    return {};
  });
}

}  // namespace mien::app
