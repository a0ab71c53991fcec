// A command line in this process: every verb, the real API, and a manager that remembers; no socket, no process.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "app/score_run.h"
#include "app/verbs.h"
#include "edge/api/testing/fake_manager.h"
#include "edge/testing/temporary_directory.h"

namespace mien::app::testing {

// Hands requests to an Api in this process.
class ApiConnection final : public edge::HttpClient {
 public:
  explicit ApiConnection(edge::testing::Bench& bench) : bench_(bench) {}
  Result<edge::HttpResponse> send(const edge::HttpRequest& request, Duration) override {
    return bench_.start(request)->wait();
  }
  Status stream(const edge::HttpRequest& request, const std::function<bool(std::string_view)>& on_chunk) override {
    on_chunk(bench_.start(request)->wait().body);
    return {};
  }
  void cancel() override {}

 private:
  edge::testing::Bench& bench_;
};

class NoServer final : public edge::HttpClient {
 public:
  Result<edge::HttpResponse> send(const edge::HttpRequest&, Duration) override {
    return Error{.code = Code::unavailable, .message = "connection refused", .where = {}, .cause = {}};
  }
  Status stream(const edge::HttpRequest&, const std::function<bool(std::string_view)>&) override {
    return Error{.code = Code::unavailable, .message = "connection refused", .where = {}, .cause = {}};
  }
  void cancel() override {}
};

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;
};

class VerbsBench : public ::testing::Test {
 protected:
  edge::testing::Bench bench;
  std::map<std::string, std::string> environment;
  bool reachable = true;
  std::function<bool(const std::string&)> confirm;  // empty: nobody can be asked
  int views = 3;                                    // of a live view, before its user has had enough
  std::vector<edge::HttpTarget> targets;

  Ran run(const std::vector<std::string>& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Session session{out, err};
    session.environment = [this](const std::string& name) {
      return environment.contains(name) ? environment[name] : std::string{};
    };
    session.local_token = [](const std::string&) { return std::optional<std::string>{"secret"}; };
    session.now = [this] { return bench.now; };
    session.confirm = confirm;
    session.pause = [this](Duration) { return --views > 0; };
    session.connect = [this](edge::HttpTarget target) -> std::unique_ptr<edge::HttpClient> {
      targets.push_back(target);
      if (!reachable) return std::make_unique<NoServer>();
      return std::make_unique<ApiConnection>(bench);
    };
    CLI::App program{"mien knows", "mien"};
    add_global_options(program, session);
    add_drift_verb(program, session);
    add_findings_verb(program, session);
    add_ack_verb(program, session);
    add_explain_verb(program, session);
    add_why_verb(program, session);
    add_audit_verb(program, session);
    add_actions_verb(program, session);
    add_approve_verb(program, session);
    add_reject_verb(program, session);
    add_revert_verb(program, session);
    add_hold_verb(program, session);
    add_resume_verb(program, session);
    add_release_verb(program, session);
    add_apply_verb(program, session);
    add_get_verb(program, session);
    add_describe_verb(program, session);
    add_delete_verb(program, session);
    add_diff_verb(program, session);
    add_rollback_verb(program, session);
    add_activate_verb(program, session);
    add_deactivate_verb(program, session);
    add_enroll_verb(program, session);
    add_backup_verb(program, session);
    add_restore_verb(program, session);
    add_score_verb(program, session);
    add_train_verb(program, session);
    add_completion_verb(program, session);
    add_help_verb(program, session);
    Ran ran;
    ran.exit = app::run(program, session, arguments);
    ran.out = out.str();
    ran.err = err.str();
    return ran;
  }

  std::string file(const std::string& name, std::string_view text) {
    std::string path = directory.path() + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  edge::testing::TemporaryDirectory directory;
};

}  // namespace mien::app::testing
