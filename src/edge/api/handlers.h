// Every handler of the route table, by the file that has it.
#pragma once

#include "edge/api/service.h"

namespace mien::edge::api {

// resources.cc
void list_resources(Service& service, const CallPtr& call);
void get_resource(Service& service, const CallPtr& call);
void put_resource(Service& service, const CallPtr& call);
void delete_resource(Service& service, const CallPtr& call);

// instances.cc
void list_instances(Service& service, const CallPtr& call);
void get_instance(Service& service, const CallPtr& call);
void get_drift(Service& service, const CallPtr& call);
void list_drift(Service& service, const CallPtr& call);
void get_series(Service& service, const CallPtr& call);
void activate(Service& service, const CallPtr& call);
void deactivate(Service& service, const CallPtr& call);

// facts.cc
void list_facts(Service& service, const CallPtr& call);

// findings.cc
void list_findings(Service& service, const CallPtr& call);
void get_finding(Service& service, const CallPtr& call);
void acknowledge(Service& service, const CallPtr& call);

// explain.cc
void explain(Service& service, const CallPtr& call);

// why.cc
void why(Service& service, const CallPtr& call);

// actions.cc
void list_actions(Service& service, const CallPtr& call);
void get_action(Service& service, const CallPtr& call);
void approve_action(Service& service, const CallPtr& call);
void reject_action(Service& service, const CallPtr& call);
void revert_action(Service& service, const CallPtr& call);
void list_decisions(Service& service, const CallPtr& call);
void get_decision(Service& service, const CallPtr& call);

// holds.cc
void list_holds(Service& service, const CallPtr& call);
void put_hold(Service& service, const CallPtr& call);
void end_hold(Service& service, const CallPtr& call);
void release(Service& service, const CallPtr& call);

// past.cc
void list_generations(Service& service, const CallPtr& call);
void get_generation(Service& service, const CallPtr& call);
void rollback_persona(Service& service, const CallPtr& call);
void list_revisions(Service& service, const CallPtr& call);
void get_revision(Service& service, const CallPtr& call);
void rollback_revision(Service& service, const CallPtr& call);

// audit.cc
void list_audit(Service& service, const CallPtr& call);
void verify_audit(Service& service, const CallPtr& call);
void get_audit_head(Service& service, const CallPtr& call);

// agents.cc
void make_enrollment(Service& service, const CallPtr& call);
void redeem_enrollment(Service& service, const CallPtr& call);
void get_authority(Service& service, const CallPtr& call);
void poll_directives(Service& service, const CallPtr& call);
void take_reports(Service& service, const CallPtr& call);

// ingest.cc
void take_metrics(Service& service, const CallPtr& call);
void take_logs(Service& service, const CallPtr& call);
void take_remote_write(Service& service, const CallPtr& call);
void take_alerts(Service& service, const CallPtr& call);

// outside.cc
void get_outside(Service& service, const CallPtr& call);

// operate.cc
void backup(Service& service, const CallPtr& call);
void health(Service& service, const CallPtr& call);
void readiness(Service& service, const CallPtr& call);
void openapi(Service& service, const CallPtr& call);

// replays.cc
void replay(Service& service, const CallPtr& call);

// metrics.cc
void metrics(Service& service, const CallPtr& call);

// events.cc
void follow_events(Service& service, const CallPtr& call);

// page.cc
void page(Service& service, const CallPtr& call);
void page_script(Service& service, const CallPtr& call);
void page_style(Service& service, const CallPtr& call);

}  // namespace mien::edge::api
