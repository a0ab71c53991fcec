#!/usr/bin/env python3
"""The network is cut in the middle of a lease: it ends on time by the machine's own clock, with nobody to ask, and the
manager learns of it when the cable is back.
"""

import time

from acting import ALLOW, HUNG, UNLIMITED, await_action, changes, declare, field, policy, story_of
from harness import Scene, play
from hung import wait_until
from web_service import SERVICE, seconds, start_services

LEASE = 12  # seconds
LATE = 6  # seconds: the agent looks every second; the rest is for a machine that is busy with other things
GUARDS = {"cooldown": "1h", "settle": "2s", "dwell": "1s", "budget": {"actions": 1, "per": "1h"}}


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest("web-01")
    start_services(guest)
    scene.join(manager, guest, allow=ALLOW)
    scene.await_instance(manager, SERVICE)
    declare(manager, SERVICE)
    policy(manager, "contain-hog", "enforce", [{"do": "limit", "with": {"cpu": "20%"}, "lease": f"{LEASE}s"}], GUARDS)
    scene.await_samples(manager, SERVICE, 8)
    hog = guest.in_service("web.service", "hog")
    applied = await_action(manager, "nothing is done", lambda action: action["state"] == "applied")
    guest.plug(False)
    cut = time.time()
    stands = field(guest, "web.service", "cpu.max")
    scene.check("the network is cut while the lease runs", stands == "20000 100000" and len(changes(guest)) == 1,
                f"{seconds(applied['expires_at']) - cut:.1f} s before its end; cpu.max is {stands}")
    wait_until(lambda: field(guest, "web.service", "cpu.max") == UNLIMITED, HUNG, "the lease does not end without a network", every=0.1)
    seen = time.time()
    scene.check("it ends by itself, and nothing is left on the machine", not changes(guest))
    guest.run(f"kill -9 {hog}")
    scene.check("the manager does not know yet", manager.get(f"/api/v1/actions/{applied['id']}")["state"] == "applied")
    judged = await_action(manager, "it is never judged", lambda action: action["id"] == applied["id"] and action["effect"]["verdict"] != "pending")
    scene.check("what could not be seen does not count as help", judged["effect"]["verdict"] == "unknown", judged["note"])
    guest.plug(True)
    back = time.time()
    ended = await_action(manager, "the manager does not learn of it", lambda action: action["id"] == applied["id"] and action["ended_at"])
    scene.check("the manager learns of it afterwards", (ended["state"], ended["end_reason"]) == ("reverted", "lease_over"),
                f"{time.time() - back:.1f} s after; {ended['note']}")
    late = seconds(ended["ended_at"]) - seconds(applied["expires_at"])
    scene.check("with the time when it really ended: on time, and within the cut", 0 <= late < LATE and cut < seconds(ended["ended_at"]) < back,
                f"{late:.1f} s after its end; seen from outside {seen - seconds(applied['expires_at']):.1f} s after")
    story = story_of(manager, ended)
    scene.check("the record has each step once", story == ["ordered", "applied", "unproven", "reverted"], story)


if __name__ == "__main__":
    play(main)
