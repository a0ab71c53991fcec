#!/usr/bin/env python3
"""From observe to enforce, on real cgroup version 2: in `observe` nothing is touched and the record says what would have
been done; in `propose` it waits for a person; in `enforce` it happens by itself, helps, and is proven to have helped.
"""

from acting import ALLOW, HUNG, UNLIMITED, actions, audit, await_action, changes, decisions, declare, field, policy, story_of
from harness import Scene, play
from hung import wait_until
from web_service import SERVICE, await_hog_finding, start_services

UNIT = "web.service"
PEER = "batch.service@web-01"
LADDER = [{"do": "limit", "with": {"cpu": "15%"}, "lease": "5m"}]
GUARDS = {"cooldown": "1s", "settle": "1s", "dwell": "1s", "repeats": 10, "budget": {"actions": 10, "per": "1h"}}
LIMITED = "15000 100000"


def score(manager) -> float:
    return manager.get(f"/api/v1/instances/{SERVICE}/drift")["score"]


def observe(scene: Scene, manager, guest):
    policy(manager, "contain-hog", "observe", LADDER, GUARDS)
    guest.in_service(UNIT, "hog")
    finding = await_hog_finding(manager)[0]
    decided = wait_until(lambda: [d for d in decisions(manager, instance=SERVICE) if d["outcome"] == "observed"], HUNG, "nothing is decided", every=0.2)[0]
    scene.check("observe: the decision says what would have been done, and about which finding",
                "would limit cpu" in decided["summary"] and decided["finding"] == finding["id"], decided["summary"])
    made = [event for event in audit(manager, f"Decision/{decided['id']}") if event["verb"] == "decision.made"]
    scene.check("observe: so does the record", len(made) == 1 and made[0]["detail"].startswith("observed: "), made)
    why = manager.mien("why", SERVICE).out
    scene.check("observe: `why` says that it only observes", "observe" in why and "contain-hog" in why, why)
    scene.await_samples(manager, SERVICE, 3)
    scene.check("observe: nothing is touched", field(guest, UNIT, "cpu.max") == UNLIMITED and not changes(guest) and not actions(manager),
                field(guest, UNIT, "cpu.max"))


def propose(scene: Scene, manager, guest):
    policy(manager, "contain-hog", "propose", LADDER, GUARDS)
    waiting = await_action(manager, "nothing is proposed", lambda action: action["state"] == "proposed")
    scene.await_samples(manager, SERVICE, 3)
    scene.check("propose: it waits, and nothing is touched", field(guest, UNIT, "cpu.max") == UNLIMITED and not changes(guest), waiting["summary"])
    listed = manager.mien("actions").out
    scene.check("propose: `actions` shows what waits", waiting["id"] in listed and "proposed" in listed, listed)
    manager.mien("approve", waiting["id"])
    applied = await_action(manager, "what was approved does not happen", lambda action: action["id"] == waiting["id"] and action["state"] == "applied")
    scene.check("propose: once approved it is in force", field(guest, UNIT, "cpu.max") == LIMITED, applied["changes"])
    scene.check("propose: who approved is kept", applied["approved_by"] != "" and story_of(manager, applied) == ["proposed", "approved", "ordered", "applied"],
                (applied["approved_by"], story_of(manager, applied)))
    manager.mien("revert", applied["id"])
    reverted = await_action(manager, "it is not taken back", lambda action: action["id"] == waiting["id"] and action["state"] == "reverted")
    scene.check("propose: taken back by hand, it is as before", field(guest, UNIT, "cpu.max") == UNLIMITED and reverted["end_reason"] == "by_hand",
                reverted["note"])
    return reverted


def enforce(scene: Scene, manager, guest):
    policy(manager, "contain-hog", "enforce", LADDER, GUARDS)
    acted = await_action(manager, "it does not happen by itself", lambda action: action["state"] == "applied")
    before = score(manager)
    scene.check("enforce: cpu.max is lowered without anybody", field(guest, UNIT, "cpu.max") == LIMITED and acted["approved_by"] == "",
                f'{acted["summary"]}; {acted["changes"]}')
    listed = changes(guest)
    named = [(each["target"], each["field"], each["before"], each["now"], each["action"]) for each in listed]
    scene.check("enforce: the machine itself names the change and its owner", named == [(SERVICE, "cpu.max", UNLIMITED, LIMITED, acted["id"])], listed)
    proven = await_action(manager, "its effect is not judged", lambda action: action["id"] == acted["id"] and action["effect"]["verdict"] != "pending")
    effect = proven["effect"]
    scene.check("enforce: the drift fell, and the action is marked as having helped",
                effect["verdict"] == "helped" and proven["state"] == "applied" and effect["after"] < effect["before"] and score(manager) < before,
                f"{effect['before']:.2f} -> {effect['after']:.2f}, score {before:.2f} -> {score(manager):.2f}")
    scene.check("enforce: it was compared with an untreated peer", effect["peers"] == 1, effect)
    scene.check("enforce: the record has it in order", story_of(manager, proven) == ["ordered", "applied", "verified"], story_of(manager, proven))
    why = manager.mien("why", acted["id"]).out
    scene.check("enforce: `why` has figures before and after, the fields and the guards",
                "before and" in why and "it helped" in why and f"cpu.max: {UNLIMITED} -> {LIMITED}" in why and "guard budget allowed it" in why, why)
    return proven


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest("web-01")
    start_services(guest)
    scene.join(manager, guest, allow=ALLOW)
    scene.await_instance(manager, SERVICE)
    scene.await_instance(manager, PEER)
    declare(manager, SERVICE, PEER)
    scene.await_samples(manager, SERVICE, 8)
    observe(scene, manager, guest)
    propose(scene, manager, guest)
    # A person took it back: nothing more is done about this finding until the policy says something new.
    enforce(scene, manager, guest)


if __name__ == "__main__":
    play(main)
