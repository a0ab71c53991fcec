#!/usr/bin/env python3
"""Three minutes of ordinary life on a host with the built-in persona are quiet.

A backup, a package upgrade, a compile on all cores, log rotation, logins and a reboot: at most one finding, none of high
severity. And a build runner whose persona says so runs at 100 % all the time and raises nothing.
"""

import time

from harness import Scene, play
from hung import wait_until
from web_service import start_services

HOST = "web-01"
RUNNER = "runner.service@web-01"
MINUTES = 3

# What happens on a machine, as one program per kind; each ends by itself.
BACKUP = "in_service backup.service sh -c 'tar -cf - /disk/data | gzip -1 >/disk/backup.tar.gz; sync'"
UPGRADE = """in_service apt.service sh -c 'mkdir -p /disk/new; for i in 1 2 3 4 5 6; do gzip -dc /disk/backup.tar.gz | tar -xf - -C /disk/new;
 sync; rm -rf /disk/new/*; sha256sum /bin/* >/dev/null; done'"""
COMPILE = """for core in $(seq $(nproc)); do in_service session.scope sh -c 'end=$(($(date +%s) + 20)); while [ $(date +%s) -lt $end ]; do
 gzip -9 -c /bin/busybox >/tmp/object.$$; sed -n 1,2000p /proc/kallsyms | sort | md5sum >/dev/null; rm -f /tmp/object.$$; done'; done"""
ROTATE = """in_service logrotate.service sh -c 'for i in 1 2 3 4 5; do seq 1 20000 >/disk/log/app.$i; gzip -f /disk/log/app.$i;
 mv /disk/log/app.$i.gz /disk/log/app.$i.old.gz; done; rm -f /disk/log/app.*'"""
LOGIN = """for i in 1 2 3 4 5 6; do in_service user.scope sh -c 'id; uptime; df; ls -lR /etc | sort | head; ps; free' >/dev/null; usleep 300000; done"""


def pause(scene: Scene, seconds: float, manager):
    """Life goes on; what was found so far is said as it comes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for finding in manager.findings():
            if finding["id"] not in scene.seen:
                scene.seen.add(finding["id"])
                scene.say(f"finding: {finding['severity']} {finding['kind']} on {finding['instance']}: {finding['summary']}")
        time.sleep(1)


def main(scene: Scene):
    scene.seen = set()
    manager = scene.manager()
    guest = scene.guest(HOST, cpus=2, memory=320)
    guest.run("mkdir -p /disk/data; for i in $(seq 1 8); do cp /bin/busybox /disk/data/$i; done; sync")
    start_services(guest)
    guest.write("/disk/runner", "in_service runner.service hog\n")
    guest.run("sh /disk/runner")
    scene.join(manager, guest)
    boot = guest.run("cat /disk/boot").text
    guest.write("/disk/boot", boot + "in_service web.service steady 200\nin_service batch.service steady 100\nsh /disk/runner\n")
    scene.await_instance(manager, RUNNER)
    manager.mien("activate", "build-runner", "--instance", RUNNER)
    scene.check("the host has the built-in persona", scene.instance(manager, HOST)["status"]["persona"] == "linux-server")
    began = time.monotonic()

    pause(scene, 30, manager)
    for what, script, length in (("logins", LOGIN, 15), ("a backup", BACKUP, 20), ("a compile on all cores", COMPILE, 30),
                                 ("log rotation", ROTATE, 10), ("a package upgrade", UPGRADE, 30)):
        scene.say(what)
        guest.run(script)
        pause(scene, length, manager)

    scene.say("a reboot")
    before = scene.instance(manager, HOST)["status"]["samples"]
    guest.reset()
    wait_until(lambda: scene.instance(manager, HOST)["status"]["samples"] > before, 200, "the agent does not come back after the reboot", every=0.3)
    scene.say("it is back")
    pause(scene, max(15.0, began + 60 * MINUTES - time.monotonic()), manager)

    findings = manager.findings()
    shown = [(f["severity"], f["kind"], f["instance"], f["summary"]) for f in findings]
    scene.check(f"at most one finding in {MINUTES} minutes of ordinary life", len(findings) <= 1, shown)
    scene.check("none of high severity", not [f for f in findings if f["severity"] in ("high", "critical")], shown)
    runner = [f for f in findings if f["instance"] == RUNNER]
    scene.check("a build runner at 100 % is ordinary", not runner, runner)
    points = manager.points(RUNNER, "system.cpu.utilization", time.time() - 600)
    full = [value for _, value in points if value > 0.4]
    scene.check("and it was at 100 % of a processor", len(full) > 60, f"{len(full)} of {len(points)} samples")
    names = sorted(item["metadata"]["name"] for item in manager.get("/api/v1/instances")["items"])
    scene.check("every service was seen", {"backup.service@web-01", "runner.service@web-01", "web.service@web-01"} <= set(names), names)


if __name__ == "__main__":
    play(main)
