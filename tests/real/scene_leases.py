#!/usr/bin/env python3
"""Leases on real cgroup version 2: at its end exactly the value of before is back; what somebody else changed meanwhile
is left alone and said; `mien release` puts everything back, and then the machine itself has nothing to tell.
"""

from acting import ALLOW, HUNG, await_action, changes, count_of, declare, field, policy, story_of, write_field
from harness import Scene, play
from hung import wait_until
from web_service import METRIC, SERVICE, seconds, start_services

PEER = "batch.service@web-01"
OWN = "190000 200000"  # the operator's limit, in a period of its own: what comes back has to be this text
OURS = "30000 100000"
BY_HAND = "160000 200000"
LEASE = 10  # seconds
GUARDS = {"cooldown": "1s", "settle": "30s", "dwell": "1s", "repeats": 1000, "budget": {"actions": 100, "per": "1h"}}


def limit(manager, lease: str):
    policy(manager, "contain-hog", "enforce", [{"do": "limit", "with": {"cpu": "30%"}, "lease": lease}], GUARDS)


def an_end_by_time(scene: Scene, manager, guest) -> dict:
    limit(manager, f"{LEASE}s")
    first = await_action(manager, "nothing is done", lambda action: action["state"] == "applied")
    scene.check("a lease begins: our value stands, and the old one is kept", field(guest, "web.service", "cpu.max") == OURS
                and first["changes"][0]["before"] == OWN, first["changes"])
    ended = await_action(manager, "its lease does not end", lambda action: action["id"] == first["id"] and action["state"] == "reverted")
    lasted = seconds(ended["ended_at"]) - seconds(ended["applied_at"])
    scene.check("it ends by time, and the machine says so", ended["end_reason"] == "lease_over" and story_of(manager, ended)[-1] == "reverted"
                and lasted > LEASE - 1, f"{lasted:.1f} s; {ended['note']}")
    return first


def changed_by_hand(scene: Scene, manager, guest, first: dict):
    second = await_action(manager, "it is not done again", lambda action: action["id"] != first["id"] and action["state"] == "applied")
    scene.check("the hog goes on, so it is limited anew; what it was exactly before is what stood there again",
                second["changes"][0]["before"] == OWN, second["changes"])
    write_field(guest, "web.service", "cpu.max", BY_HAND)
    listed = changes(guest)
    scene.check("`doctor --changes` says that somebody else changed it", len(listed) == 1 and "somebody else" in listed[0]["note"], listed)
    limit(manager, "5m")
    ended = await_action(manager, "it does not end", lambda action: action["id"] == second["id"] and action["ended_at"])
    scene.check("changed by hand meanwhile: conflicted", ended["state"] == "conflicted" and BY_HAND in str(ended["changes"]), f"{ended['note']}")
    scene.check("and the record says what stands there", BY_HAND in manager.mien("why", second["id"]).out)
    third = await_action(manager, "it is not limited again", lambda action: action["id"] not in (first["id"], second["id"]) and action["state"] == "applied")
    scene.check("what the operator wrote was left alone, and is what comes back the next time", third["changes"][0]["before"] == BY_HAND, third["changes"])


def release(scene: Scene, manager, guest):
    frozen = {"instances": [PEER], "metrics": [METRIC]}
    policy(manager, "freeze-batch", "enforce", [{"do": "lockdown", "with": {"level": "freeze"}, "lease": "5m"}], GUARDS, frozen)
    guest.in_service("batch.service", "hog")
    await_action(manager, "the other is not frozen", lambda action: action["policy"] == "freeze-batch" and action["state"] == "applied")
    wait_until(lambda: count_of(guest, "batch.service", "cgroup.events", "frozen") == 1, HUNG, "it does not freeze")
    table = guest.run("mien doctor --changes").text
    scene.check("two changes are in force, and the machine names both", {c["field"] for c in changes(guest)} == {"cpu.max", "cgroup.freeze"}, table)
    manager.mien("hold")
    manager.mien("release", "--all", "-y")
    wait_until(lambda: not manager.get("/api/v1/actions", state="open")["items"], HUNG, "not everything is released", every=0.2)
    stands = (field(guest, "web.service", "cpu.max"), field(guest, "batch.service", "cgroup.freeze"))
    scene.check("released, everything is as it was", stands == (BY_HAND, "0"), stands)
    text = guest.run("mien doctor --changes").text
    scene.check("and the machine says that nothing is left", not changes(guest) and "has changed nothing here" in text, text.strip())
    scene.await_samples(manager, SERVICE, 3)
    scene.check("held, nothing begins again", not manager.get("/api/v1/actions", state="open")["items"] and field(guest, "web.service", "cpu.max") == BY_HAND)


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest("web-01")
    start_services(guest)
    write_field(guest, "web.service", "cpu.max", OWN)
    scene.join(manager, guest, allow=ALLOW)
    scene.await_instance(manager, SERVICE)
    scene.await_instance(manager, PEER)
    declare(manager, SERVICE, PEER)
    scene.await_samples(manager, SERVICE, 8)
    guest.in_service("web.service", "hog")
    first = an_end_by_time(scene, manager, guest)
    changed_by_hand(scene, manager, guest, first)
    release(scene, manager, guest)
    scene.check("the audit is whole", manager.mien("audit", "--verify", expect=None).code == 0)


if __name__ == "__main__":
    play(main)
