#include "app/replay.h"

#include <filesystem>

#include "app/builtin.h"
#include "app/kinds.h"
#include "app/verbs.h"
#include "base/text.h"
#include "edge/clock.h"
#include "edge/files/input.h"
#include "edge/replay/document.h"
#include "edge/replay/replay.h"
#include "wire/csv.h"
#include "wire/diagnostic.h"

namespace mien::app {
namespace {

struct ReplayArguments {
  std::string input, persona, instance, mode, since, data;
  std::vector<std::string> policies;
  std::uint64_t train_rows = 0;
  bool verify = false;
  bool verbose = false;
};

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

// ---- what a file makes happen ----

node::Record put(const model::Resource& resource) {
  model::Resource wanted = resource;
  wanted.metadata.generation = 0;
  return node::CommandGiven{
      .command = {.request = 0,
                  .actor = "replay",
                  .body = node::PutResource{.resource = model::encode_resource(wanted), .from_files = false}}};
}

model::Resource worn_by(const InstanceName& instance, const std::string& persona) {
  model::Resource resource;
  resource.kind = model::ResourceKind::instance;
  resource.metadata.name = instance.value;
  resource.spec = model::Value{model::Value::Map{{"personas", model::Value::List{model::Value{persona}}}}};
  return resource;
}

// One row as the instance's own authenticated agent would send it.
node::FrameArrived frame_of(const InstanceName& instance, const std::vector<std::string>& columns,
                            const wire::CsvRow& row, std::uint64_t sequence) {
  model::InstanceFrame part;
  part.instance = instance;
  part.batch.times = {row.time};
  part.batch.values = row.values;
  for (model::SeriesIndex i = 0; i < columns.size(); ++i) {
    part.batch.series.push_back(i);
    if (sequence == 1)
      part.declared.push_back(
          {.index = i,
           .series = {
               .metric = MetricName(columns[i]), .attributes = {}, .unit = {}, .kind = model::SeriesKind::gauge}});
  }
  model::Frame frame;
  frame.source = instance.value;
  frame.epoch = 1;
  frame.sequence = sequence;
  frame.authenticated = true;
  frame.instances.push_back(std::move(part));
  return {.frame = std::move(frame)};
}

// When the row after the training is: before it nothing is told and no policy acts.
Result<WallTime> judged_from(const CsvReplay& what) {
  if (what.train_rows == 0) return WallTime{};
  wire::CsvReader reader = TRY(wire::CsvReader::open(what.text, what.name));
  wire::CsvRow row;
  WallTime last;
  for (std::uint64_t rows = 0; TRY(reader.next(row));) {
    if (rows > 0 && row.time <= last) continue;
    if (rows++ == what.train_rows) return row.time;
    last = row.time;
  }
  return node::Instance::never;
}

// "web-01" of "/data/web-01.csv.gz".
std::string stem_of(const std::string& path) {
  if (path == "-") return "input";
  std::filesystem::path name = std::filesystem::path(path).filename();
  if (name.extension() == ".gz") name = name.stem();
  return name.stem().string();
}

// ---- arguments ----

Result<std::vector<model::Resource>> load(Session& session, const std::string& place, model::ResourceKind kind) {
  wire::ParsedResources parsed = TRY(load_resources(place));
  wire::Colour colour = session.style.colour ? wire::Colour::always : wire::Colour::never;
  if (!parsed.diagnostics.empty()) session.err << wire::render(parsed.diagnostics, colour);
  if (!parsed.ok()) return usage_error(cat(place, " has errors"));
  std::vector<model::Resource> found;
  for (wire::SourcedResource& each : parsed.resources) {
    if (each.resource.kind != kind)
      return usage_error(
          cat(place, ": ", label_of(each.resource), " is no ", model::to_text(kind), "; only these can be tried here"));
    found.push_back(std::move(each.resource));
  }
  if (found.empty()) return usage_error(cat("there is no ", model::to_text(kind), " in ", place));
  return found;
}

Result<std::optional<model::Mode>> mode_of(const std::string& text) {
  if (text.empty()) return std::optional<model::Mode>{};
  if (auto mode = wire::parse_enum<model::Mode>(text)) return std::optional{*mode};
  return usage_error(cat("--as is observe, propose or enforce, not ", text));
}

Result<std::vector<model::Resource>> policies_of(Session& session, const ReplayArguments& arguments) {
  std::vector<model::Resource> policies;
  for (const std::string& place : arguments.policies) {
    std::vector<model::Resource> more = TRY(load(session, place, model::ResourceKind::policy));
    std::move(more.begin(), more.end(), std::back_inserter(policies));
  }
  return policies;
}

// ---- what is said beside the lines ----

void say_summary(Session& session, const ReplayArguments& arguments, const wire::Document& counts, Duration took) {
  if (!session.terminal && !arguments.verbose) return;
  session.err << "would have found " << text_at(counts, "/found") << ", decided " << text_at(counts, "/decided")
              << ", acted " << text_at(counts, "/acted") << "\n";
  if (!arguments.verbose) return;
  double days = number_at(counts, "/instance_days");
  session.err << text_at(counts, "/records") << " records, " << to_text(days, 4) << " instance-days in "
              << to_text(to_seconds(took), 3) << " s: " << to_text(days / std::max(to_seconds(took), 1e-9), 3)
              << " instance-days a second\n";
}

// ---- a file ----

Status replay_file(Session& session, const ReplayArguments& arguments) {
  CsvReplay what;
  what.policies = TRY(policies_of(session, arguments));
  what.mode = TRY(mode_of(arguments.mode));
  if (!arguments.persona.empty()) what.personas = TRY(load(session, arguments.persona, model::ResourceKind::persona));
  what.instance = InstanceName{arguments.instance.empty() ? stem_of(arguments.input) : arguments.instance};
  what.train_rows = arguments.train_rows;
  what.name = arguments.input == "-" ? "standard input" : arguments.input;
  std::string text = TRY(edge::read_whole(arguments.input));
  what.text = text;
  MonoTime began = edge::mono_now();
  node::ReplayCounts counts = TRY(replay_csv(what, [&](const node::ReplayLine& line) {
    session.out << wire::dump(edge::replay_document(line, false)) << "\n";
  }));
  say_summary(session, arguments, edge::counts_document(counts), edge::mono_now() - began);
  return {};
}

// ---- the proof ----

Status say_proof(Session& session, const wire::Document& proof) {
  bool same = member_at(proof, "/ok").is_boolean() && member_at(proof, "/ok").get<bool>();
  bool printed = print_document(session, proof);
  if (!same)
    return failure(Code::corrupt,
                   cat("the record is not what comes out of the log: ", text_at(proof, "/difference/message")));
  if (printed) return {};
  auto counted = [&proof](const char* pointer, std::string_view one) {
    std::string count = text_at(proof, pointer);
    return cat(count, " ", one, count == "1" ? "" : "s");
  };
  session.out << "proven: " << counted("/proven/decisions", "decision") << ", " << counted("/proven/actions", "action")
              << ", " << counted("/proven/findings", "finding") << " and "
              << counted("/proven/audit_links", "audit link") << " come out again bit for bit\n";
  if (text_at(proof, "/span/records") != "0")
    session.out << "over: records " << text_at(proof, "/span/first") << " to " << text_at(proof, "/span/last")
                << " of the log, from " << text_at(proof, "/span/from") << " to " << text_at(proof, "/span/to")
                << ", folded by " << printable(text_at(proof, "/engines")) << "\n";
  if (std::string why = text_at(proof, "/not_claimed"); !why.empty())
    session.out << "not claimed: " << printable(why) << "\n";
  return {};
}

// ---- a manager, or the directory of one ----

// What comes line by line, from either.
class Lines {
 public:
  Lines(Session& session, const ReplayArguments& arguments) : session_(session), arguments_(arguments) {}

  bool take(const std::string& line) {
    if (line.empty()) return true;
    Result<wire::Document> document = wire::parse_document(line);
    std::string type = document ? text_at(*document, "/type") : "";
    if (type == "error") {
      status_ = failure(Code::unknown, text_at(*document, "/detail"));
      return true;
    }
    if (type == "proof") {
      last_ = std::move(*document);
      last_.erase("type");
      return true;
    }
    if (type == "replay" && session_.terminal)
      for (const wire::Document& why : member_at(*document, "/approximate"))
        session_.err << "approximate: " << printable(why.is_string() ? why.get<std::string>() : "") << "\n";
    if (type == "summary") last_ = *document;
    session_.out << line << "\n";
    return session_.out.good();
  }
  // Pieces of a stream, cut anywhere.
  bool take_piece(std::string_view piece) {
    rest_ += piece;
    for (std::size_t end = 0; (end = rest_.find('\n')) != std::string::npos;) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      if (!take(line)) return false;
    }
    return true;
  }
  Status end(Duration took) {
    TRY(status_);
    if (!last_.is_object()) return failure(Code::unknown, "the replay ended early: the manager may have been stopped");
    if (arguments_.verify) return say_proof(session_, last_);
    say_summary(session_, arguments_, last_, took);
    return {};
  }

 private:
  Session& session_;
  const ReplayArguments& arguments_;
  std::string rest_;
  wire::Document last_;
  Status status_;
};

Status replay_directory(Session& session, const ReplayArguments& arguments) {
  edge::ReplayPlace place{.data = arguments.data, .builtin = builtin_resources()};
  edge::ReplayRequest request;
  request.verify = arguments.verify;
  request.instance = InstanceName{arguments.instance};
  request.mode = TRY(mode_of(arguments.mode));
  if (!arguments.policies.empty()) request.policies = TRY(policies_of(session, arguments));
  if (!arguments.since.empty()) {
    auto time = parse_time(arguments.since);
    auto back = model::parse_duration(arguments.since);
    if (!time && !back) return usage_error(cat("--since is a time or how long ago, such as 7d, not ", arguments.since));
    request.from = time ? *time : session.now() - *back;
  }
  Lines lines{session, arguments};
  MonoTime began = edge::mono_now();
  TRY(edge::answer_replay(place, request, [&](const std::string& line) { return lines.take(line); }));
  return lines.end(edge::mono_now() - began);
}

Status replay_manager(Session& session, const ReplayArguments& arguments) {
  wire::Document body = wire::Document::object();
  if (arguments.verify) body["verify"] = true;
  if (!arguments.since.empty()) body["since"] = arguments.since;
  if (!arguments.instance.empty()) body["instance"] = arguments.instance;
  if (TRY(mode_of(arguments.mode))) body["mode"] = arguments.mode;
  std::vector<model::Resource> policies = TRY(policies_of(session, arguments));
  for (const model::Resource& policy : policies) body["policies"].push_back(wire::to_document(policy));
  Client* client = TRY(session.manager());
  (void)TRY(client->post("/api/v1/replay", body, {{"dry_run", "true"}}));  // what is wrong is said before the stream
  Lines lines{session, arguments};
  MonoTime began = edge::mono_now();
  TRY(client->stream("/api/v1/replay", body, [&](std::string_view piece) { return lines.take_piece(piece); }));
  return lines.end(edge::mono_now() - began);
}

Status replay(Session& session, const ReplayArguments& arguments) {
  bool file = !arguments.input.empty();
  if (file && (arguments.verify || !arguments.since.empty() || !arguments.data.empty()))
    return usage_error("--input replays a file; --since, --verify and --data are about what a manager recorded");
  if (!file && (arguments.train_rows != 0 || !arguments.persona.empty()))
    return usage_error("--train-rows and --persona are about --input FILE");
  if (arguments.verify && (!arguments.policies.empty() || !arguments.mode.empty() || !arguments.since.empty()))
    return usage_error("--verify proves the record as it is: it takes neither --policy nor --as nor --since");
  if (file) return replay_file(session, arguments);
  if (!arguments.verify && arguments.since.empty())
    return usage_error("say what to replay: --input FILE, --since 7d, or --verify");
  return arguments.data.empty() ? replay_manager(session, arguments) : replay_directory(session, arguments);
}

}  // namespace

Result<node::ReplayCounts> replay_csv(const CsvReplay& what, const std::function<void(const node::ReplayLine&)>& tell) {
  wire::CsvReader reader = TRY(wire::CsvReader::open(what.text, what.name));
  node::Replay replay{{.builtin = builtin_resources(),
                       .rehearse = true,
                       .policies = what.policies,
                       .mode = what.mode,
                       .instance = {},
                       .from = TRY(judged_from(what))}};
  store::LogPosition position = 0;
  std::uint64_t rows = 0;
  auto step = [&](WallTime at, node::Record record) -> Status {
    std::vector<node::ReplayLine> lines = TRY(replay.step(at, ++position, std::move(record)));
    for (const node::ReplayLine& line : lines) tell(line);
    return {};
  };
  replay.trust(what.train_rows > 0);
  wire::CsvRow row;
  while (TRY(reader.next(row))) {
    if (rows > 0 && row.time <= replay.at()) continue;  // as `mien score`: rows ascend in time
    if (rows == 0) {
      for (const model::Resource& persona : what.personas) TRY(step(row.time, put(persona)));
      if (!what.personas.empty()) TRY(step(row.time, put(worn_by(what.instance, what.personas.back().metadata.name))));
    }
    if (rows == what.train_rows) replay.trust(false);
    TRY(step(row.time, frame_of(what.instance, reader.columns(), row, ++rows)));
  }
  return replay.counts();
}

void add_replay_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<ReplayArguments>();
  CLI::App* verb = add_verb(program, "replay", "Say what would have been found, decided and done", "Engine");
  verb->add_option("--input", arguments->input,
                   "CSV, first column `timestamp`, no server; .gz is unpacked; - is standard input")
      ->type_name("FILE");
  verb->add_option("--since", arguments->since, "What the manager recorded: a time, or how long ago")->type_name("7d");
  verb->add_option("--policy", arguments->policies, "Try these instead of the recorded ones; several may be given")
      ->type_name("FILE");
  verb->add_option("--as", arguments->mode, "Try the policies in this mode: observe, propose or enforce")
      ->type_name("MODE");
  verb->add_option("--instance", arguments->instance, "Only of this one; with --input: what the columns are of")
      ->type_name("NAME");
  verb->add_option("--persona", arguments->persona, "With --input: what it wears; linux-server when not said")
      ->type_name("FILE");
  verb->add_option("--train-rows", arguments->train_rows, "With --input: the first N rows are known to be healthy");
  verb->add_flag("--verify", arguments->verify,
                 "Prove that recorded decisions come out again bit for bit; exit 1 at the first difference");
  verb->add_option("--data", arguments->data, "Of this data directory, without a server; it is only read")
      ->type_name("DIR");
  verb->add_flag("--verbose", arguments->verbose, "Say on standard error how much was replayed, and how fast");
  on_chosen(verb, session, [arguments](Session& s) { return replay(s, *arguments); });
}

}  // namespace mien::app
