#!/usr/bin/env python3
"""kill -9, fifty times, while a hog is being reported: nothing acknowledged is lost, nothing is counted twice, and the
finding stays one finding.

The manager is killed at 25 random instants (some of them while it recovers), the agent in the guest at 25. Beside the
agent a prober sends one numbered sample after the other and writes down what was acknowledged: in the end exactly those
samples are there, each once. The seed is printed; SEED=n runs the same instants again.
"""

import json
import os
import random
import ssl
import threading
import time
import urllib.error
import urllib.request

from harness import Scene, play
from web_service import METRIC, SERVICE, await_hog_finding, declare, start_services

KILLS = 25
PROBE_METRIC = "app.queue.length"


class Prober:
    """An agent of one metric. What it was not answered for it sends again, with the same number."""

    def __init__(self, manager):
        self.manager, self.stopping = manager, threading.Event()
        self.acknowledged: list[int] = []  # times in milliseconds
        self.resent = self.repeated = 0
        self.refused = ""
        token = manager.ask("POST", "/api/v1/enrollments", {"ttl": "10m"}).json()["token"]
        joined = manager.ask("POST", "/api/v1/enroll", {"token": token, "agent": "probe"}, token=None)
        if joined.status != 201:
            raise AssertionError(f"the prober can not join: {joined.status} {joined.text}")
        self.token = joined.json()["token"]
        self.context = ssl.create_default_context(cafile=str(manager.ca))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        last = 0
        for number in range(1, 1 << 30):
            if self.stopping.is_set():
                return
            last = max(last + 1, time.time_ns() // 1_000_000)
            while not self.send(number, last):
                self.resent += 1
                time.sleep(0.05)
                if self.stopping.is_set():
                    return
            self.acknowledged.append(last)
            if number % 7 == 0 and self.send(number, last):  # an acknowledgement that was lost on its way looks like this
                self.repeated += 1
            time.sleep(0.1)

    def send(self, number: int, at: int) -> bool:
        point = {"timeUnixNano": str(at * 1_000_000), "asDouble": float(number % 7)}
        resource = {"attributes": [{"key": "host.name", "value": {"stringValue": "probe"}}]}
        body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [{"name": PROBE_METRIC, "gauge": {"dataPoints": [point]}}]}]}]}
        request = urllib.request.Request(self.manager.url + "/v1/metrics", json.dumps(body).encode(), {
            "Content-Type": "application/json", "Authorization": f"Bearer {self.token}", "Mien-Epoch": "1", "Mien-Sequence": str(number)})
        try:
            with urllib.request.urlopen(request, timeout=20, context=self.context) as answer:
                return answer.status == 200
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):  # those say: later
                self.refused = f"{error.code} {error.read()[:300]}"
                self.stopping.set()
            return False
        except OSError:
            return False  # killed under our hands

    def stop(self):
        self.stopping.set()
        self.thread.join(60)


def grown(before: dict, after: dict) -> list[str]:
    return [f"{name}: {before[name]:g} -> {after.get(name, 0):g}" for name in before if after.get(name, 0) < before[name]
            and not name.startswith("mien_http_")]  # requests are counted by process


def kill_the_manager(scene: Scene, manager, prng):
    lost, written, recoveries = [], [], 0
    for round_ in range(KILLS):
        time.sleep(prng.uniform(0, 1.2))
        before = manager.counters() if prng.random() < 0.5 else None
        if prng.random() < 0.5:  # killed right after it said that something is written
            name = f"written-{round_}"
            persona = {"apiVersion": "mien.dev/v1", "kind": "Persona", "metadata": {"name": name}, "spec": {}}
            if manager.ask("PUT", f"/api/v1/personas/{name}", persona).status == 201:
                written.append(name)
        manager.kill()
        if round_ % 5 == 4:  # once more while it recovers
            manager.spawn()
            time.sleep(prng.uniform(0, 0.3))
            manager.kill()
            recoveries += 1
        manager.start()
        if before:
            lost += grown(before, manager.counters())
    scene.check(f"{KILLS} kills of the manager, {recoveries} more while it recovered: no counter ever went back", not lost, lost[:5])
    found = {item["metadata"]["name"]: item["metadata"]["generation"] for item in manager.get("/api/v1/personas", limit=1000)["items"]}
    scene.check("every acknowledged write is there, once", all(found.get(name) == 1 for name in written), f"{len(written)} personas")


def kill_the_agent(scene: Scene, guest, prng):
    pid = "cat /sys/fs/cgroup/system.slice/mien-agent.service/cgroup.procs"
    for _ in range(KILLS):
        time.sleep(prng.uniform(0, 1.2))
        guest.run(f"kill -9 $({pid}); until [ -z \"$({pid})\" ]; do usleep 20000; done; sh /disk/boot")
    scene.check(f"{KILLS} kills of the agent", guest.run(pid).text.strip() != "")


def main(scene: Scene):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    scene.say(f"seed {seed}: SEED={seed} runs the same instants again")
    prng = random.Random(seed)
    manager = scene.manager()
    guest = scene.guest("web-01")
    start_services(guest)
    scene.join(manager, guest)
    scene.await_instance(manager, SERVICE)
    declare(manager)
    prober = Prober(manager)
    scene.stack.callback(prober.stop)
    scene.await_samples(manager, SERVICE, 5)
    guest.in_service("web.service", "hog")
    finding = await_hog_finding(manager)[0]
    scene.say(f"finding {finding['id']}; now the kills")
    began = time.time()

    kill_the_manager(scene, manager, prng)
    scene.await_samples(manager, SERVICE, 3)
    middle = time.time()
    kill_the_agent(scene, guest, prng)
    scene.await_samples(manager, SERVICE, 3)
    prober.stop()

    findings = [f for f in manager.findings(SERVICE) if any(m["name"] == METRIC for m in f["metrics"])]
    scene.check("the finding is one finding, and still open", [(f["id"], f["state"]) for f in findings] == [(finding["id"], "open")],
                [(f["id"], f["state"]) for f in findings])
    others = [(f["id"], f["instance"], f["kind"]) for f in manager.findings() if f["instance"] != SERVICE]
    scene.say(f"other findings: {others}")

    at = [round(t * 1000) for t, _ in manager.points("probe", PROBE_METRIC, began - 300)]
    acknowledged = prober.acknowledged
    scene.check("the prober was heard all the time", not prober.refused and len(acknowledged) > 100, prober.refused)
    scene.check("every acknowledged sample of the prober is there", set(acknowledged) <= set(at),
                f"{len(acknowledged)} acknowledged, {prober.resent} sent again unanswered, "
                f"{prober.repeated} repeated though answered, {len(set(acknowledged) - set(at))} missing")
    scene.check("each once, and nothing else but perhaps the last", len(at) == len(set(at)) and len(set(at) - set(acknowledged)) <= 1,
                f"{len(at)} stored")
    taken = manager.get("/api/v1/instances/probe")["status"]["samples"]
    scene.check("and counted once", taken == len(at), f"{taken} counted")

    for name in ("web-01", SERVICE):
        times = [t for t, _ in manager.points(name, METRIC, began - 30)]
        gaps = [b - a for a, b in zip(times, times[1:]) if a > began and b < middle]
        scene.check(f"{name}: times ascend, none twice", all(b > a for a, b in zip(times, times[1:])), f"{len(times)} samples")
        # A manager that is killed costs the agent nothing: what it was not answered for it sends again.
        scene.check(f"{name}: no hole while the manager was being killed", gaps and max(gaps) < 2.6, f"{len(gaps)} steps, longest {max(gaps, default=0):.2f} s")
    counters = manager.counters()
    scene.say("; ".join(f"{name[5:-6]} {value:g}" for name, value in counters.items() if name.startswith(("mien_frames", "mien_samples", "mien_findings"))))
    ended = manager.mien("audit", "--verify", expect=None)
    scene.check("the audit is whole", ended.code == 0, (ended.out + ended.err).strip())


if __name__ == "__main__":
    play(main)
