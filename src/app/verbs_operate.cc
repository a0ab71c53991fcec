// audit, backup, restore, enroll: running a manager.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "app/verbs.h"
#include "base/text.h"
#include "edge/crypto/crypto.h"
#include "edge/sqlite/sqlite.h"

namespace mien::app {
namespace {

Error failure(Code code, std::string message) {
  return Error{.code = code, .message = std::move(message), .where = {}, .cause = {}};
}

// ---- audit ----

struct AuditArguments {
  std::string since;
  bool verify = false;
};

Status verify(Session& session, Client& client) {
  wire::Document answer = TRY(client.get("/api/v1/audit/verify"));
  bool whole = member_at(answer, "/ok").is_boolean() && member_at(answer, "/ok").get<bool>();
  bool printed = print_document(session, answer);
  if (!whole)
    return failure(Code::corrupt, cat("the audit is broken after ", text_at(answer, "/rows"),
                                      " whole links: ", text_at(answer, "/broken")));
  if (printed) return {};
  session.out << "the chain is whole: " << text_at(answer, "/rows") << " links";
  if (member_at(answer, "/head").is_object()) {
    session.out << ", signed head " << printable(text_at(answer, "/head/hash")) << " at "
                << text_at(answer, "/head/sequence") << " of " << text_at(answer, "/head/at");
  }
  session.out << "\n";
  return {};
}

Status audit(Session& session, const AuditArguments& arguments) {
  Client* client = TRY(session.manager());
  if (arguments.verify) return verify(session, *client);
  Query query;
  if (!arguments.since.empty()) query["since"] = arguments.since;
  wire::Document list = TRY(client->list("/api/v1/audit", query));
  if (print_list(session, list)) return {};
  Table table({{.title = "LINK", .right = true},
               {.title = "AT"},
               {.title = "WHO"},
               {.title = "WHAT"},
               {.title = "TO"},
               {.title = "CAUSE"},
               {.title = "DETAIL", .shrinks = true}});
  for (const wire::Document& event : member_at(list, "/items")) {
    table.add({text_at(event, "/sequence"), text_at(event, "/at"), text_at(event, "/actor"), text_at(event, "/verb"),
               text_at(event, "/subject"), text_at(event, "/cause"), text_at(event, "/detail")});
  }
  session.out << table.render(session.style);
  return {};
}

// ---- backup and restore ----

constexpr std::size_t head_size = 64;  // docs/formats/backup.md
constexpr std::string_view magic = "MIENBKUP";

Error system_error(std::string_view what, const std::string& path) {
  return failure(Code::io, cat(what, " ", path, ": ", std::generic_category().message(errno)));
}

// A file that only its owner reads, whole under its name or not there at all.
class WholeFile {
 public:
  explicit WholeFile(std::string path) : path_(std::move(path)), partial_(path_ + ".partial") {}
  ~WholeFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (descriptor_ >= 0) ::unlink(partial_.c_str());
  }
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  Status open() {
    ::unlink(partial_.c_str());  // of a run that was ended
    descriptor_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return descriptor_ >= 0 ? Status{} : Status{system_error("can not write", partial_)};
  }
  Status append(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_error("can not write", partial_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  // Under its name, on disk.
  Status keep() {
    if (::fsync(descriptor_) != 0) return system_error("can not write", partial_);
    if (::rename(partial_.c_str(), path_.c_str()) != 0) return system_error("can not make", path_);
    ::close(descriptor_);
    descriptor_ = -1;
    return {};
  }

 private:
  std::string path_;
  std::string partial_;
  int descriptor_ = -1;
};

struct BackupArguments {
  std::string file;
};

// Whether what came is a whole backup: a server that fails in the middle can only say so by ending early.
Status check_whole(const std::string& head, std::uint64_t size, edge::Sha256Stream& hash) {
  if (head.size() < head_size || !head.starts_with(magic))
    return failure(Code::corrupt, "what the server sent is no backup; is it of another version?");
  std::uint64_t length = 0;
  std::memcpy(&length, head.data() + 16, sizeof length);  // little-endian, as this machine
  if (size != head_size + length)
    return failure(Code::unknown,
                   cat("the backup ended early, after ", size, " of ", head_size + length, " bytes: try again"));
  store::Hash whole = hash.finish();
  if (std::memcmp(whole.data(), head.data() + 24, whole.size()) != 0)
    return failure(Code::corrupt, "the backup was damaged on its way: try again");
  return {};
}

Status backup(Session& session, const BackupArguments& arguments) {
  Client* client = TRY(session.manager());
  WholeFile file{arguments.file};
  TRY(file.open());
  std::string head;
  std::uint64_t size = 0;
  edge::Sha256Stream hash;
  Status written;
  Status done = client->download("/api/v1/backup", [&](std::string_view chunk) {
    written = file.append(chunk);
    size += chunk.size();
    std::size_t of_head = std::min(chunk.size(), head_size - head.size());
    head += chunk.substr(0, of_head);
    hash.add(chunk.substr(of_head));
    if (session.terminal) session.err << "\r" << size / 1024 << " KiB" << std::flush;
    return written.ok();
  });
  if (session.terminal) session.err << "\r" << std::flush;
  TRY(written);
  TRY(done);
  TRY(check_whole(head, size, hash));
  TRY(file.keep());
  wire::Document answer{{"file", arguments.file}, {"bytes", size}};
  if (!print_document(session, answer))
    session.out << printable(arguments.file) << ": " << size
                << " bytes, the ledger and the keys; keep it as secret as the keys\n";
  return {};
}

struct RestoreArguments {
  std::string file;
  std::string data = "/var/lib/mien";
  bool force = false;
};

Status restore(Session& session, const RestoreArguments& arguments) {
  TRY(edge::restore(arguments.file, arguments.data,
                    arguments.force ? edge::IfPresent::replace : edge::IfPresent::refuse));
  wire::Document answer{{"file", arguments.file}, {"data", arguments.data}};
  if (!print_document(session, answer))
    session.out << "restored into " << printable(arguments.data) << "; start it with `mien up --data "
                << printable(arguments.data) << "`\n";
  return {};
}

// ---- enroll ----

struct EnrollArguments {
  std::string ttl;
};

Status enroll(Session& session, const EnrollArguments& arguments) {
  Client* client = TRY(session.manager());
  wire::Document body = wire::Document::object();
  if (!arguments.ttl.empty()) body["ttl"] = arguments.ttl;
  wire::Document answer = TRY(client->post("/api/v1/enrollments", body));
  if (print_document(session, answer)) return {};
  session.out << printable(text_at(answer, "/join")) << "\n";
  session.err << "run this line as root on the machine that joins, once, before "
              << printable(text_at(answer, "/expires_at")) << "\n";
  return {};
}

}  // namespace

void add_audit_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<AuditArguments>();
  CLI::App* verb = add_verb(program, "audit", "Show the record of what was done, or check that it is whole",
                            "What is wrong, and why");
  verb->add_option("--since", arguments->since, "A time, or how long ago: 2026-11-22T09:00:00Z, 1h")->type_name("TIME");
  verb->add_flag("--verify", arguments->verify,
                 "Check every link and the signed head; exit 1 at the first that is broken");
  on_chosen(verb, session, [arguments](Session& s) { return audit(s, *arguments); });
}

void add_backup_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<BackupArguments>();
  CLI::App* verb =
      add_verb(program, "backup", "Write the ledger and the keys into one file, while the manager runs", "The manager");
  verb->add_option("FILE", arguments->file, "Replaced whole or not at all")->required();
  on_chosen(verb, session, [arguments](Session& s) { return backup(s, *arguments); });
}

void add_restore_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<RestoreArguments>();
  CLI::App* verb =
      add_verb(program, "restore", "Make a data directory from a backup, with no manager running on it", "The manager");
  verb->add_option("FILE", arguments->file, "What `mien backup` wrote")->required();
  verb->add_option("--data", arguments->data, "The data directory")->type_name("DIR");
  verb->add_flag("--force", arguments->force, "Move what is there aside, into DIR/replaced-N/");
  on_chosen(verb, session, [arguments](Session& s) { return restore(s, *arguments); });
}

void add_enroll_verb(CLI::App& program, Session& session) {
  auto arguments = std::make_shared<EnrollArguments>();
  CLI::App* verb = add_verb(program, "enroll", "Print the line with which one agent joins this manager", "The manager");
  verb->add_option("--ttl", arguments->ttl, "How long the line is good for; 1h when not said")->type_name("15m");
  on_chosen(verb, session, [arguments](Session& s) { return enroll(s, *arguments); });
}

}  // namespace mien::app
