#!/usr/bin/env python3
"""What a persona does not allow is a finding that names process, user and object, within three ticks, also while the
instance is learning: a new listener, a program never executed before, a write under /etc, a new destination, a system
call. What it allows is none. In a guest with Debian's kernel.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from harness import Manager, Scene, play
from hung import wait_until
from web_service import METRIC, seconds

HOST = "web-01"
TICKS = 3  # of the agent, between what was done and the finding, all on the guest's clock
PERSONA = """
apiVersion: mien.dev/v1
kind: Persona
metadata: {name: locked-web}
spec:
  extends: [linux-server]
  security:
    executables: {deny: ["/run/**"]}
    listen: {allow: ["tcp/80"]}
    connect: {allow: ["10.0.2.2:*"]}
    files: {deny_write: ["/etc/**"]}
    system_calls: {deny: [chroot]}
"""
# What is done, the object that the finding names, and the kind of fact.
DEEDS = [
    ("nc -l -p 8080 & sleep 2; kill $!", "tcp/8080", "listener", "busybox"),
    ("cp /bin/busybox /run/unseen; /run/unseen true", "/run/unseen", "execution", ""),
    ("echo x > /etc/motd", "/etc/motd", "write", "busybox"),
    ("nc -w 1 10.0.2.77 9 < /dev/null", "10.0.2.77:9", "connection", "busybox"),
    ("chroot / true", "chroot", "system_call", ""),
]


def evidence(finding: dict, kind: str, object_: str):
    return [m for m in finding["metrics"] if m["name"] == f"mien.security.{kind}" and m["attributes"].get("object") == object_]


class Watched:
    """The first finding with such evidence, and the ticks that the manager had when it was there."""

    def __init__(self, manager: Manager, kind: str, object_: str):
        self.manager, self.kind, self.object = manager, kind, object_
        self.ticks = []
        self.finding, self.deviation = wait_until(self.told, 60, f"no finding names the {kind} of {object_}", every=0.1)[0]

    def told(self):
        self.ticks = [at for at, _ in self.manager.points(HOST, METRIC, time.time() - 600)]
        return [(f, m) for f in self.manager.findings(HOST) for m in evidence(f, self.kind, self.object)]

    def ticks_since_done(self) -> int:
        facts = self.manager.get(f"/api/v1/instances/{HOST}/facts", kind=self.kind, limit=1000)["items"]
        done = min(seconds(fact["at"]) for fact in facts if fact["object"] == self.object)
        return sum(at > done for at in self.ticks)


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest(HOST)
    scene.join(manager, guest)
    manager.mien("apply", "-f", "-", stdin=PERSONA)
    manager.mien("activate", "locked-web", "--instance", HOST)
    scene.await_samples(manager, HOST, 5)
    guest.run("nc -l -p 80 & sleep 2; kill $!", expect=None)
    for script, object_, kind, process in DEEDS:
        with ThreadPoolExecutor() as beside:
            doing = beside.submit(guest.run, script, expect=None)
            watched = Watched(manager, kind, object_)
            doing.result()
        finding, deviation = watched.finding, watched.deviation
        attributes = deviation["attributes"]
        scene.check(f"{kind}: kind, severity and state", finding["kind"] == "security" and finding["severity"] in ("medium", "high"), finding["summary"])
        scene.check(f"{kind}: it names user and process", attributes.get("user") in ("root", "0") and process in attributes.get("process", ""), attributes)
        ticks = watched.ticks_since_done()
        scene.check(f"{kind}: found within {TICKS} ticks", ticks <= TICKS, f"{ticks} ticks")
    allowed = [m for f in manager.findings(HOST) for m in evidence(f, "listener", "tcp/80")]
    scene.check("what is allowed is no finding", not allowed, allowed)
    told = manager.mien("findings", "--all").out
    scene.check("`mien findings` shows them", "security" in told, told)
    facts = manager.mien("facts", HOST, "--kind", "listener").out
    scene.check("`mien facts` lists what was seen", "tcp/8080" in facts and "tcp/80" in facts, facts)
    explained = manager.mien("explain", HOST).out
    scene.check("`mien explain` says what is known of each kind", "execution" in explained, explained)


if __name__ == "__main__":
    play(main)
