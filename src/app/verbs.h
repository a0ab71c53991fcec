// Every verb that asks a manager, by the file that has it. Each adds itself to the program; main.cc calls them one by
// one.
#pragma once

#include "app/cli.h"

namespace mien::app {

// verbs_apply.cc
void add_apply_verb(CLI::App& program, Session& session);
void add_delete_verb(CLI::App& program, Session& session);

// verbs_get.cc
void add_get_verb(CLI::App& program, Session& session);
void add_describe_verb(CLI::App& program, Session& session);

// verbs_past.cc
void add_diff_verb(CLI::App& program, Session& session);
void add_rollback_verb(CLI::App& program, Session& session);

// verbs_drift.cc
void add_drift_verb(CLI::App& program, Session& session);

// verbs_findings.cc
void add_findings_verb(CLI::App& program, Session& session);
void add_ack_verb(CLI::App& program, Session& session);

// verbs_facts.cc
void add_facts_verb(CLI::App& program, Session& session);

// verbs_explain.cc
void add_explain_verb(CLI::App& program, Session& session);

// verbs_why.cc
void add_why_verb(CLI::App& program, Session& session);

// verbs_actions.cc
void add_actions_verb(CLI::App& program, Session& session);
void add_approve_verb(CLI::App& program, Session& session);
void add_reject_verb(CLI::App& program, Session& session);
void add_revert_verb(CLI::App& program, Session& session);

// verbs_hold.cc
void add_hold_verb(CLI::App& program, Session& session);
void add_resume_verb(CLI::App& program, Session& session);
void add_release_verb(CLI::App& program, Session& session);

// verbs_persona.cc
void add_activate_verb(CLI::App& program, Session& session);
void add_deactivate_verb(CLI::App& program, Session& session);

// verbs_operate.cc
void add_audit_verb(CLI::App& program, Session& session);
void add_backup_verb(CLI::App& program, Session& session);
void add_restore_verb(CLI::App& program, Session& session);
void add_enroll_verb(CLI::App& program, Session& session);

// verbs_host.cc
void add_doctor_verb(CLI::App& program, Session& session);

// completion.cc, help.cc
void add_completion_verb(CLI::App& program, Session& session);
void add_help_verb(CLI::App& program, Session& session);

}  // namespace mien::app
