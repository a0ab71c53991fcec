// What every verb works with: the global options, the streams, the connection to a manager, and the rules of output.
//
// A verb is a function `Status verb(Session&)`, registered by one `add_X_verb(CLI::App&, Session&)`. What it has to say
// goes to `out`, complaints to `err`; its Status becomes the exit code in one place (exit_of). Single-threaded.
// Tests build a Session with string streams and a connection of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/client.h"
#include "app/table.h"
#include "base/result.h"
#include "base/time.h"
#include "wire/document.h"

namespace mien::app {

// The process's answer to a script (CONTRACTS).
enum class Exit : int { done = 0, failed = 1, usage = 2, not_found = 3, refused = 4, unreachable = 5 };
[[nodiscard]] Exit exit_of(const Status& status);

enum class Format : std::uint8_t { table, json, yaml };

struct Options {
  std::string server;      // empty: MIEN_SERVER, else default_server
  std::string token_file;  // empty: the token of the same user's server, where there is one
  std::string ca_file;     // https: whose certificates are believed
  Format format = Format::table;
  bool no_color = false;
};

inline constexpr std::string_view default_server = "http://127.0.0.1:7070";

class Session {
 public:
  Session(std::ostream& standard_output, std::ostream& standard_error) : out(standard_output), err(standard_error) {}

  Options options;
  std::ostream& out;
  std::ostream& err;
  Style style;            // of `out`
  bool terminal = false;  // `out` is one: live views redraw
  bool watched = false;   // `err` is one: long work shows there how far it is
  Style err_style;        // of `err`
  std::function<std::string(const std::string&)> environment;  // "" where it is not set
  Connect connect;
  // The token that a server of the same user left on this machine, by the server's URL.
  std::function<Result<std::optional<std::string>>(const std::string& url)> local_token;
  std::function<WallTime()> now;
  std::function<bool(Duration)> pause;  // waits; false: the user has had enough
  // Asks a person at a terminal before something large; empty where nobody can be asked (a script): it is done.
  std::function<bool(const std::string& question)> confirm;

  // The verb that was chosen; run after the whole command line was understood.
  std::function<Status(Session&)> chosen;

  // The manager; connected on first use.
  [[nodiscard]] Result<Client*> manager();

 private:
  std::unique_ptr<Client> client_;
};

// With the real streams, terminal, environment, clock and network.
[[nodiscard]] Session make_session();

// A verb with its one-line summary, group, examples (app/help.h) and global options accepted after it as well.
CLI::App* add_verb(CLI::App& program, const std::string& name, const std::string& summary, const std::string& group);
void on_chosen(CLI::App* verb, Session& session, std::function<Status(Session&)> run);
void add_global_options(CLI::App& program, Session& session);

// Parses, runs the chosen verb, explains errors; the process's exit code.
int run(CLI::App& program, Session& session, const std::vector<std::string>& arguments);

// ---- output ----

// A document as -o says: JSON on one line (alone on `out`), YAML; false when a table is wanted.
[[nodiscard]] bool print_document(Session& session, const wire::Document& document);
// A list's items as YAML documents that can be applied again, or the list as JSON.
[[nodiscard]] bool print_list(Session& session, const wire::Document& list);
[[nodiscard]] std::string to_yaml(const wire::Document& document);

// ---- documents, read leniently: what is missing or of another type is empty ----

[[nodiscard]] std::string text_at(const wire::Document& document, std::string_view pointer);
[[nodiscard]] double number_at(const wire::Document& document, std::string_view pointer);  // NaN when it is not there
[[nodiscard]] WallTime time_at(const wire::Document& document, std::string_view pointer);
[[nodiscard]] const wire::Document& member_at(const wire::Document& document,
                                              std::string_view pointer);  // null when not there

[[nodiscard]] Error usage_error(std::string message);
[[nodiscard]] Colour colour_of_severity(std::string_view severity);

}  // namespace mien::app
