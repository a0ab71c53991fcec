#!/usr/bin/env python3
"""A manager that asks exporters itself: Debian's node_exporter, found in a file of targets, is an instance with the agent's
names; when it stops it is silent at once. Debian's Alertmanager tells of an alert about it by webhook, and of its end.
"""

import json
import time
import urllib.request

from harness import Manager, Scene, play
from hung import wait_until
from prometheus_peer import alertmanager, free_port, node_exporter

INSTANCE = "127.0.0.1"
DEADLINE = 120  # only says "hung"


class Configured(Manager):
    """`mien manager` with settings of its own."""

    def spawn(self):
        self.data.mkdir(exist_ok=True)
        settings = self.scene.folder / "mien.yaml"
        settings.write_text(f"scrape: [{{job: node, files: [{self.targets}], interval: 1s}}]\n")
        program, self.scene.program = self.scene.program, self.scene.folder / "manager-with-settings"
        self.scene.program.write_text(f'#!/bin/sh\nshift\nexec {program} manager --config {settings} "$@"\n')
        self.scene.program.chmod(0o755)
        try:
            super().spawn()
        finally:
            self.scene.program = program


def send_alert(peer, until: float):
    stamp = lambda at: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    alert = [{"labels": {"alertname": "DiskWillFill", "instance": f"{INSTANCE}:9100", "severity": "page"},
              "annotations": {"summary": "in four hours"}, "startsAt": stamp(time.time() - 5), "endsAt": stamp(until)}]
    request = urllib.request.Request(peer.url.replace("/-/ready", "/api/v2/alerts"), data=json.dumps(alert).encode(),
                                     headers={"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30)


def main(scene: Scene):
    port = free_port()
    folder = scene.folder / "targets"
    folder.mkdir()
    manager = Configured(scene, scene.folder / "manager", "127.0.0.1")
    manager.targets = folder / "node.json"
    manager.targets.write_text(json.dumps([{"targets": [f"127.0.0.1:{port}"], "labels": {"site": "lab"}}]))
    scene.stack.callback(manager.kill)
    scene.managers.append(manager)
    exporter = node_exporter(scene, port).start()
    manager.start()
    scene.await_instance(manager, INSTANCE)
    began = time.time()
    scene.await_samples(manager, INSTANCE, 5)
    points = manager.points(INSTANCE, "system.cpu.utilization", began)
    scene.check("an exporter from a file of targets is an instance with the agent's names", len(points) >= 5, f"{len(points)} samples")

    tells = alertmanager(scene, f"{manager.url}/api/v1/alerts").start()
    send_alert(tells, time.time() + 600)
    outside = lambda: manager.get(f"/api/v1/instances/{INSTANCE}/outside")["alerts"]
    found = wait_until(outside, DEADLINE, "the alert does not arrive", every=0.2)
    scene.check("an alert of others stands beside the instance", found[0]["name"] == "DiskWillFill" and found[0]["summary"] == "in four hours", found)
    firing = wait_until(lambda: manager.points(INSTANCE, "alert.firing", began), DEADLINE, "the alert is no series", every=0.2)
    scene.check("and is a series of it", firing and firing[-1][1] == 1, firing)
    send_alert(tells, time.time() - 1)
    wait_until(lambda: not outside(), DEADLINE, "the end of the alert does not arrive", every=0.2)
    scene.check("its end arrives too", True)

    exporter.stop()
    stopped = time.time()
    silent = lambda: [f for f in manager.findings(INSTANCE) if f["kind"] == "silence" and f["state"] == "open"]
    found = wait_until(silent, DEADLINE, "no finding that it is silent", every=0.1)
    scene.check("an exporter that stops is silent at once", "ended" in found[0]["summary"], f"after {time.time() - stopped:.1f} s")
    scene.check("and the manager says which and why", any(f"127.0.0.1:{port} gives no metrics" in line for line in manager.lines),
                [line for line in manager.lines if "scrape" in line])
    exporter.start()
    wait_until(lambda: not silent(), DEADLINE, "the silence does not end", every=0.2)
    manager.targets.write_text("[]")
    wait_until(silent, DEADLINE, "a target that was taken out goes on", every=0.3)
    scene.check("a target that is taken out of the file is asked no more", True)


if __name__ == "__main__":
    play(main)
