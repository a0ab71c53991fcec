#include "app/help.h"

#include <algorithm>

#include "app/verbs.h"
#include "base/text.h"

namespace mien::app {
namespace {

struct Example {
  std::string_view verb;
  std::string_view line;
  std::string_view says;
};

constexpr Example examples[] = {
    {"up", "mien up", "this host and its services, on http://127.0.0.1:7070"},
    {"up", "mien up --data /srv/mien", "everything it keeps under /srv/mien"},
    {"manager", "mien manager --config /etc/mien/mien.yaml --check-config",
     "say whether the settings are right, and stop"},
    {"agent", "mien agent --manager https://mien:7070 --token-file /etc/mien/token", "an agent that has joined"},
    {"enroll", "mien enroll --ttl 15m", "print the line with which one agent joins within 15 minutes"},
    {"apply", "mien apply -f web.yaml", "write what the file says; unchanged resources stay as they are"},
    {"apply", "mien apply -f personas/ --dry-run", "check a folder against the server, and write nothing"},
    {"apply", "mien get persona web -o yaml | sed s/4/8/ | mien apply -f -", "change one by hand"},
    {"get", "mien get instances", "everything that has a persona, hosts first"},
    {"get", "mien get persona web-frontend -o yaml", "one resource, as it can be applied again"},
    {"get", "mien get instances -l role=web,tier!=back -w", "follow those with these labels"},
    {"describe", "mien describe instance web-01", "its status, its score and what is open"},
    {"describe", "mien describe finding f-000000000042-1", "everything known of a finding"},
    {"describe", "mien describe decision d-4711-1", "which policies and guards were asked, and what each said"},
    {"delete", "mien delete persona web-frontend", "by kind and name"},
    {"delete", "mien delete -f web.yaml", "what the file names"},
    {"diff", "mien diff web-frontend", "the newest generation of a persona with the one before"},
    {"diff", "mien diff web-frontend --from 3 --to 7", "two generations"},
    {"diff", "mien diff web-frontend@web-01", "what one instance learned since its last revision"},
    {"diff", "mien diff -f web.yaml", "what applying the file would change"},
    {"rollback", "mien rollback web-frontend --to 6", "generation 6 of a persona, with what was learned under it"},
    {"rollback", "mien rollback web-frontend@web-01 --to 12", "revision 12 of one instance"},
    {"activate", "mien activate nightly-backup --instance db-01 --for 2h", "another persona for two hours"},
    {"deactivate", "mien deactivate --instance db-01", "end what was activated by hand"},
    {"drift", "mien drift", "every instance, the most drifted first"},
    {"drift", "mien drift web-01 --watch", "one instance, live, with its reasons"},
    {"findings", "mien findings", "what is open"},
    {"findings", "mien findings --all --instance web-01 -o json", "what ever was, for a script"},
    {"ack", "mien ack f-000000000042-1 --comment 'known: rebuild of the index'", "say that it was seen"},
    {"facts", "mien facts web-01", "what its agent saw in the last day, newest first"},
    {"facts", "mien facts web-01 --kind execution --since 1h -o json", "programs that ran, for a script"},
    {"explain", "mien explain f-000000000042-1", "from a finding back to the samples"},
    {"explain", "mien explain web-01", "why an instance scores as it does"},
    {"explain", "mien explain persona.drift.limits", "what may be written there, without a server"},
    {"why", "mien why web-01", "why nothing was done, or why it was"},
    {"why", "mien why web-01 --at 2026-11-22T09:50:00Z", "the same question of that moment"},
    {"why", "mien why a-4711-1", "from an action back to the rules, the guards and the samples"},
    {"actions", "mien actions", "what is in force or waits for a person"},
    {"actions", "mien actions --all web-01 -o json", "everything that was ever done there, for a script"},
    {"approve", "mien approve a-4711-1", "let it happen"},
    {"approve", "mien approve a-4711-1 --comment \"as agreed\"", "with a word for the audit"},
    {"approve", "mien approve a-4711-1 --dry-run", "whether it still could"},
    {"reject", "mien reject a-4711-1", "it is not done, and its policy rests on that machine"},
    {"revert", "mien revert a-4711-1", "before its lease is over"},
    {"hold", "mien hold", "no automatic action anywhere, until `mien resume`"},
    {"hold", "mien hold --pool web --for 1h", "while people work on these machines"},
    {"hold", "mien hold --learning --instance web-01 --for 1d", "what is odd about it today shall not be learned"},
    {"resume", "mien resume", "end the hold of everything"},
    {"resume", "mien resume --pool web", "end the hold that was put on this pool"},
    {"release", "mien release web-01", "end what Mien does to one machine and to what runs on it"},
    {"release", "mien release --all -y", "to all of them, without asking"},
    {"audit", "mien audit --since 1h", "who did what in the last hour"},
    {"audit", "mien audit --verify", "whether the chain is whole; the first broken link is named, exit 1"},
    {"backup", "mien backup /var/backups/mien-monday", "the ledger and the keys, while it runs"},
    {"restore", "mien restore /var/backups/mien-monday --data /var/lib/mien",
     "into an empty place, with no manager running"},
    {"score", "mien score --input metrics.csv --output scores.csv", "a file, without a server"},
    {"score", "mien score --input metrics.csv --train-rows 1000 --output -",
     "the first thousand rows are known history"},
    {"score", "mien score --input metrics.csv.gz --output scores.csv --plot picture.png --explain",
     "with a picture, and each finding's metrics on standard error"},
    {"score", "tail -n +1 -f metrics.csv | mien score --input - --output -", "each row as it comes"},
    {"score", "mien score --input tuesday.csv --output - --state-in state --state-out state",
     "go on where monday.csv left off"},
    {"score", "mien score --format sequence --train normal/*.txt --input new.txt",
     "a trace of system calls against ordinary ones"},
    {"score", "mien score --input new.csv --output - --model model", "judged by an autoencoder too (mien train)"},
    {"train", "mien train --input history.csv.gz --output model", "an autoencoder for mien score --model"},
    {"replay", "mien replay --input metrics.csv --policy contain.yaml", "a file against a policy, without a server"},
    {"replay", "mien replay --since 7d --policy contain.yaml --as enforce",
     "what it would have done in the last week, had it been let"},
    {"replay", "mien replay --verify", "prove that recorded decisions come out of the log again bit for bit"},
    {"replay", "mien replay --verify --data /var/lib/mien", "the same of a directory whose manager is stopped"},
    {"doctor", "mien doctor", "what works on this host, and what to install for the rest"},
    {"doctor", "mien doctor --changes", "every value on this machine that differs because of Mien"},
    {"completion", "mien completion bash > /etc/bash_completion.d/mien", "for every shell of this host"},
    {"completion", "mien completion fish > ~/.config/fish/completions/mien.fish", "for yours"},
    {"help", "mien help apply", "a verb with its options and examples"},
};

std::vector<const CLI::App*> verbs_of(const CLI::App& program) {
  std::vector<const CLI::App*> verbs;
  for (const CLI::App* verb : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (!verb->get_name().empty() && !verb->get_group().empty()) verbs.push_back(verb);
  }
  return verbs;
}

std::vector<std::string> groups_of(const CLI::App& program) {
  std::vector<std::string> groups;
  for (const CLI::App* verb : verbs_of(program)) {
    if (std::find(groups.begin(), groups.end(), verb->get_group()) == groups.end()) groups.push_back(verb->get_group());
  }
  return groups;
}

struct OptionLine {
  std::string name;
  std::string text;
};

std::vector<OptionLine> options_of(const CLI::App& app) {
  std::vector<OptionLine> lines;
  std::vector<const CLI::Option*> options = app.get_options([](const CLI::Option*) { return true; });
  std::stable_partition(options.begin(), options.end(),
                        [](const CLI::Option* option) { return option->get_positional(); });
  for (const CLI::Option* option : options) {
    if (option->get_group().empty()) continue;
    std::string name = option->get_positional() ? option->get_name(true) : option->get_name(false, true);
    std::replace(name.begin(), name.end(), ',', ' ');
    if (!option->get_positional() && option->get_items_expected_max() > 0) name += " " + option->get_type_name();
    lines.push_back({.name = std::move(name), .text = option->get_description()});
  }
  return lines;
}

std::string lined_up(const std::vector<OptionLine>& lines) {
  std::size_t width = 0;
  for (const OptionLine& line : lines) width = std::max(width, line.name.size());
  std::string out;
  for (const OptionLine& line : lines)
    out += cat("  ", line.name, std::string(width + 2 - line.name.size(), ' '), line.text, "\n");
  return out;
}

std::string usage_of(const CLI::App& verb) {
  std::string line = cat("mien ", verb.get_name());
  for (const CLI::Option* option : verb.get_options([](const CLI::Option* each) { return each->get_positional(); })) {
    std::string name = option->get_name(true);
    line += option->get_required() ? cat(" ", name) : cat(" [", name, "]");
    if (option->get_items_expected_max() > 1) line += "...";
  }
  return line + " [options]";
}

}  // namespace

std::string examples_of(std::string_view verb) {
  std::string out;
  for (const Example& example : examples) {
    if (example.verb == verb)
      out += cat(out.empty() ? "Examples:\n" : "", "  ", example.line, "\n      ", example.says, "\n");
  }
  return out;
}

std::vector<std::string> verb_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* verb : verbs_of(program)) names.push_back(verb->get_name());
  return names;
}

const CLI::App* find_verb(const CLI::App& program, std::string_view name) {
  std::vector<const CLI::App*> verbs =
      program.get_subcommands([name](const CLI::App* verb) { return verb->get_name() == name; });
  return verbs.empty() ? nullptr : verbs.front();
}

std::string overview(const CLI::App& program) {
  std::string out =
      cat(program.get_description(), "\n\nUsage: mien VERB [options]; options may stand before the verb too\n");
  for (const std::string& group : groups_of(program)) {
    out += cat("\n", group, "\n");
    std::vector<OptionLine> lines;
    for (const CLI::App* verb : verbs_of(program)) {
      if (verb->get_group() == group) lines.push_back({.name = verb->get_name(), .text = verb->get_description()});
    }
    out += lined_up(lines);
  }
  return cat(out, "\nEvery verb takes\n", lined_up(options_of(program)),
             "\nmien help VERB has its options and examples.\n");
}

std::string verb_help(const CLI::App& verb) {
  std::string out = cat(verb.get_description(), "\n\nUsage: ", usage_of(verb), "\n\n", lined_up(options_of(verb)));
  std::string footer = verb.get_footer();
  return footer.empty() ? out : cat(out, "\n", footer);
}

std::string reference_markdown(const CLI::App& program) {
  std::string out =
      "# The command line\n\nMade by `mien help --markdown`; exit codes: 0 done, 1 the operation failed, 2 wrong usage "
      "or invalid input, "
      "3 not found,\n4 refused by a guard or policy, 5 server unreachable.\n\n## Options of every verb\n\n";
  for (const OptionLine& line : options_of(program)) out += cat("* `", line.name, "`: ", line.text, "\n");
  for (const std::string& group : groups_of(program)) {
    out += cat("\n## ", group, "\n");
    for (const CLI::App* verb : verbs_of(program)) {
      if (verb->get_group() != group) continue;
      out += cat("\n### ", verb->get_name(), "\n\n", verb->get_description(), ".\n\n```\n", usage_of(*verb), "\n",
                 lined_up(options_of(*verb)));
      std::string footer = verb->get_footer();
      out += cat(footer.empty() ? "" : "\n", footer, "```\n");
    }
  }
  return out;
}

void add_help_verb(CLI::App& program, Session& session) {
  struct Arguments {
    std::string verb;
    bool markdown = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = add_verb(program, "help", "Explain a verb, with examples", "The program");
  verb->add_option("VERB", arguments->verb, "Which one; all of them when not said");
  verb->add_flag("--markdown", arguments->markdown, "All verbs as one page of Markdown");
  on_chosen(verb, session, [arguments, &program](Session& s) -> Status {
    if (arguments->markdown) s.out << reference_markdown(program);
    if (arguments->markdown) return {};
    if (arguments->verb.empty()) {
      s.out << overview(program);
      return {};
    }
    const CLI::App* wanted = find_verb(program, arguments->verb);
    if (wanted != nullptr) {
      s.out << verb_help(*wanted);
      return {};
    }
    std::vector<std::string> names = verb_names(program);
    std::vector<std::string_view> known(names.begin(), names.end());
    auto near = nearest(arguments->verb, known);
    return Error{.code = Code::not_found,
                 .message = cat("there is no verb `", arguments->verb, "`",
                                near ? cat("; did you mean `", *near, "`?") : std::string{}),
                 .where = {},
                 .cause = {}};
  });
}

}  // namespace mien::app
