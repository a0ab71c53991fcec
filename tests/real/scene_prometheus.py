#!/usr/bin/env python3
"""A host that Prometheus watches: Debian's Prometheus scrapes Debian's node_exporter and writes remotely into `mien up`,
which sees the same host with its own agent. The instance appears, its metrics have the names that the agent's have, both
say the same within 2 %, and an exporter that stops is a finding at once, not after minutes.
"""

import re
import socket
import subprocess
import threading
import time

from guest import die_with_parent
from harness import Manager, Scene, play
from hung import wait_until
from prometheus_peer import failures, free_port, node_exporter, prometheus

SEEN_BY_PROMETHEUS = "exporter-01"
TOLERANCE = 0.02
MINUTES = 10 * 60  # only says "hung"
# What the agent watches of every Linux host. Disks, filesystems and swap are there when the host has them.
EVERY_HOST = ["system.cpu.utilization", "system.cpu.time", "system.cpu.load_average.1m", "system.memory.usage", "system.memory.utilization",
              "system.memory.linux.slab.usage", "system.memory.linux.dirty", "system.process.count", "system.process.created",
              "system.linux.context_switches", "system.paging.faults", "system.paging.operations", "system.memory.oom_kills"]
# What node_exporter does not have, or not by default.
OURS_ALONE = ("system.linux.threads", "system.network.connection.count", "system.cpu.frequency")
STATES_OF_BOTH = ({"status": "running"}, {"status": "blocked"})  # of processes
# What is compared, and how small a difference is none: sampling at different moments of a second shows below these.
COMPARED = {"system.cpu.utilization": 0.005, "system.cpu.time": 0.02, "system.cpu.load_average.1m": 0.02, "system.cpu.load_average.5m": 0.02,
            "system.cpu.load_average.15m": 0.02, "system.memory.usage": 8 << 20, "system.memory.utilization": 0.001,
            "system.memory.linux.slab.usage": 1 << 20, "system.linux.context_switches": 20, "system.linux.pressure.cpu.some": 0.01,
            "system.linux.pressure.memory.some": 0.01, "system.memory.oom_kills": 0, "system.network.io": 4096}


class Up(Manager):
    """`mien up`: agent and manager of this host."""

    def spawn(self):
        self.starts += 1
        self.lines = []
        self.process = subprocess.Popen(
            [self.scene.program, "up", "--data", self.data, "--listen", f"{self.address}:{self.port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
        threading.Thread(target=self.read, args=(self.process,), daemon=True).start()

    def ready_line(self):
        for line in self.lines:
            if found := re.search(r"ready.*(http://127\.0\.0\.1:\d+)", line):
                return found[1]
        return super().ready_line() if self.process.poll() is not None else None


def series_of(up: Manager, instance: str, since: float) -> dict:
    """(metric, attributes) -> [(at, value)]; counters are rates."""
    answer = up.get(f"/api/v1/instances/{instance}/series", **{"from": f"{since:.3f}"})
    return {(s["metric"], tuple(sorted(s["attributes"].items()))): [(at / 1000, v) for at, v in zip(s["at"], s["mean"]) if v is not None]
            for s in answer["series"]}


def integral(points: list, begin: float, end: float) -> float:
    """Of a rate that each point gives for the time since the one before: what was counted between two moments."""
    total = 0.0
    for (before, _), (at, rate) in zip(points, points[1:]):
        total += rate * max(0.0, min(at, end) - max(before, begin))
    return total


def compare(scene: Scene, ours: dict, theirs: dict, begin: float, end: float):
    """Means over the same stretch of time, of what a stretch of a minute can compare: disk and paging come in bursts, of which one
    of the two may see a part more at an end."""
    apart, both = [], 0
    for key in sorted(set(ours) & set(theirs)):
        if key[0] not in COMPARED and not key[0].startswith("system.filesystem."):
            continue
        a = integral(ours[key], begin, end) / (end - begin)
        b = integral(theirs[key], begin, end) / (end - begin)
        both += 1
        if abs(a - b) > max(TOLERANCE * max(abs(a), abs(b)), COMPARED.get(key[0], 0)):
            apart.append(f"{key[0]}{dict(key[1])}: agent {a:.6g}, node_exporter {b:.6g}")
    scene.check("agent and node_exporter say the same within 2 %", not apart and both >= 15, "; ".join(apart) or f"{both} series over {end - begin:.0f} s")


def main(scene: Scene):
    up = Up(scene, scene.folder / "up", "127.0.0.1")
    scene.stack.callback(up.stop)
    scene.managers.append(up)
    up.start()
    host = socket.gethostname()
    port = free_port()
    exporter = node_exporter(scene, port).start()
    writer = prometheus(scene, {f"{SEEN_BY_PROMETHEUS}:9100": port}, f"{up.url}/api/v1/write").start()

    scene.await_instance(up, SEEN_BY_PROMETHEUS)
    scene.check("the instance appears under its name without the port", True, SEEN_BY_PROMETHEUS)
    scene.await_instance(up, host)
    since = time.time()
    wait_until(lambda: len(up.points(SEEN_BY_PROMETHEUS, "system.cpu.utilization", since)) >= 10, MINUTES, "ten samples", every=0.5)
    began = time.time()
    busy = subprocess.Popen(["sh", "-c", "while :; do :; done"], preexec_fn=die_with_parent)
    wait_until(lambda: len(up.points(SEEN_BY_PROMETHEUS, "system.cpu.utilization", began)) >= 45, MINUTES, "45 samples", every=1)
    busy.kill()
    busy.wait()
    ours, theirs = series_of(up, host, since), series_of(up, SEEN_BY_PROMETHEUS, since)
    end = min(ours[("system.cpu.utilization", ())][-1][0], theirs[("system.cpu.utilization", ())][-1][0]) - 1
    missing = [m for m in EVERY_HOST if not any(key[0] == m for key in theirs)]
    scene.check("the metrics have canonical names", not missing, f"missing: {missing}" if missing else f"{len(theirs)} series")
    unlike = sorted(key[0] + str(dict(key[1])) for key in set(ours) - set(theirs) if key[0].startswith("system.") and key[0] not in OURS_ALONE
                    and not (key[0] == "system.process.count" and dict(key[1]) not in STATES_OF_BOTH))
    scene.check("every series of the agent is there too", not unlike, unlike or f"{len(ours)} series")
    compare(scene, ours, theirs, began, end)
    scene.check("Prometheus was refused nothing", failures(writer) == 0, failures(writer))

    exporter.stop()
    stopped = time.time()
    found = wait_until(lambda: [f for f in up.findings(SEEN_BY_PROMETHEUS) if f["kind"] == "silence"], MINUTES, "no finding that it is silent", every=0.2)
    scene.check("an exporter that stops is one finding, at once", len(found) == 1 and "ended" in found[0]["summary"] and time.time() - stopped < 60,
                f"after {time.time() - stopped:.1f} s: {found[0]['summary']}")
    counted = up.ask("GET", "/metrics").text
    ended = re.search(r"^mien_prometheus_series_ended_total (\S+)$", counted, re.M)
    scene.check("the staleness markers were counted", ended and float(ended[1]) > 100, ended and ended[1])
    exporter.start()
    wait_until(lambda: all(f["state"] == "resolved" for f in up.findings(SEEN_BY_PROMETHEUS) if f["kind"] == "silence"), MINUTES,
               "the silence does not end", every=0.2)
    scene.check("its return ends that", True)

    for what, headers, body, status in (("another content type", {"Content-Type": "text/plain"}, b"x", 415),
                                        ("another encoding", {"Content-Type": "application/x-protobuf", "Content-Encoding": "br"}, b"x", 415),
                                        ("what is no snappy", {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}, b"\xff" * 100, 400)):
        reply = up.ask("POST", "/api/v1/write", body, token=None, headers=headers)
        scene.check(f"{what} is refused with {status}", reply.status == status, f"{reply.status} {reply.text[:120]}")
    before = len(up.points(SEEN_BY_PROMETHEUS, "system.cpu.utilization", began))
    wait_until(lambda: len(up.points(SEEN_BY_PROMETHEUS, "system.cpu.utilization", began)) > before, MINUTES, "it takes nothing any more", every=0.3)
    scene.check("and harms nobody", True)


if __name__ == "__main__":
    play(main)
