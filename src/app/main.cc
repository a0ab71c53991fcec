// What the program is made of: one line a verb.
#include "app/cli.h"
#include "app/manager.h"
#include "app/replay.h"
#include "app/score_run.h"
#include "app/verbs.h"

int main(int argc, char** argv) {
  using namespace mien::app;
  CLI::App program{"mien knows what each machine is, notices when it stops being itself, and says why", "mien"};
  program.set_version_flag("--version", "mien 0.1.0");
  Session session = make_session();
  add_global_options(program, session);

  add_up_verb(program, session);
  add_manager_verb(program, session);
  add_agent_verb(program, session);

  add_drift_verb(program, session);
  add_findings_verb(program, session);
  add_ack_verb(program, session);
  add_facts_verb(program, session);
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
  add_replay_verb(program, session);
  add_doctor_verb(program, session);
  add_completion_verb(program, session);
  add_help_verb(program, session);

  return run(program, session, {argv + 1, argv + argc});
}
