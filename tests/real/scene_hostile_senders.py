#!/usr/bin/env python3
"""Senders that are slow, huge, broken or without measure, all at once, while an honest one goes on: nothing of the honest one is
refused or lost, the manager's memory stays within a bound, and the instance whose labels explode says which label it is.
"""

import json
import re
import socket
import threading
import time
import urllib.error
import urllib.request

from configured import Configured
from harness import Scene, play
from hung import wait_until

DEADLINE = 120  # only says "hung"
LARGEST_BODY = 16 << 20
MOST_MEMORY = 700 << 20  # sixteen of the largest bodies, twice, and what a manager has anyway
ROUNDS = 60


def otlp(host: str, points: list[dict], metric: str = "honest") -> bytes:
    return json.dumps({"resourceMetrics": [{"resource": {"attributes": [{"key": "host.name", "value": {"stringValue": host}}]},
                                            "scopeMetrics": [{"metrics": [{"name": metric, "gauge": {"dataPoints": points}}]}]}]}).encode()


def point(value: float, at: int = 0, **attributes) -> dict:
    return {"timeUnixNano": str(at or time.time_ns()), "asDouble": value,
            "attributes": [{"key": k, "value": {"stringValue": v}} for k, v in attributes.items()]}


def post(url: str, body: bytes, content_type: str = "application/json", headers: dict | None = None) -> int:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type, **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0  # cut off


class Honest(threading.Thread):
    """One sample after the other, each answered before the next."""

    def __init__(self, url: str):
        super().__init__(daemon=True)
        self.url, self.statuses, self.slowest, self.over = url, [], 0.0, False

    def run(self):
        while not self.over:
            began = time.monotonic()
            self.statuses.append(post(f"{self.url}/v1/metrics", otlp("honest-01", [point(1.0)])))
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.02)


def half_bodies(port: int, count: int) -> list[socket.socket]:
    """Bodies of the largest size of which one byte never comes."""
    head = f"POST /v1/metrics HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {LARGEST_BODY}\r\n\r\n".encode()
    filler, sockets = b" " * (1 << 20), []

    def send(one):
        try:
            one.sendall(head)
            for _ in range(15):
                one.sendall(filler)
            one.sendall(filler[:-1])
        except OSError:
            pass  # refused in the middle: that is the point

    threads = []
    for _ in range(count):
        one = socket.create_connection(("127.0.0.1", port))
        sockets.append(one)
        threads.append(threading.Thread(target=send, args=(one,), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(DEADLINE)
    return sockets


def resident(pid: int) -> int:
    return int(re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{pid}/status").read())[1]) << 10


def main(scene: Scene):
    manager = Configured(scene, scene.folder / "manager", "127.0.0.1")
    scene.stack.callback(manager.kill)
    scene.managers.append(manager)
    manager.start()
    honest = Honest(manager.url)
    honest.start()
    wait_until(lambda: len(honest.statuses) >= ROUNDS, DEADLINE, "the honest sender hangs", every=0.1)
    alone = honest.slowest

    slow = [socket.create_connection(("127.0.0.1", manager.port)) for _ in range(300)]
    for one in slow:
        one.sendall(b"POST /v1/metrics HTTP/1.1\r\nHost: x\r\nX-")
    halves = half_bodies(manager.port, 40)
    before = len(honest.statuses)
    refused = 0
    for one in halves:
        one.settimeout(0.2)
        try:
            answer = one.recv(4096)
            refused += b" 429 " in answer[:20] and b"retry-after" in answer.lower()
        except OSError:
            pass
    scene.check("those over the bound were refused with 429 and Retry-After", refused >= 20, refused)
    for one in halves:
        one.close()

    at = time.time_ns()
    burst_of = lambda burst: [point(1.0, at + burst, request_id=f"{burst}-{i}", path=f"/{i % 5}") for i in range(3000)]
    # What was closed makes room as soon as the manager sees it.
    explode = lambda burst: post(f"{manager.url}/v1/metrics", otlp("exploding-01", burst_of(burst), "requests"))
    wait_until(lambda: explode(0) == 200, DEADLINE, "no room is made", every=0.1)
    explosion = [explode(burst) for burst in range(1, 5)]
    scene.check("an explosion of labels is answered, in part refused", set(explosion) == {200}, explosion)
    bomb = post(f"{manager.url}/api/v1/write", b"\xff\xff\xff\xff\x0f" + b"\0" * 1000, "application/x-protobuf", {"Content-Encoding": "snappy"})
    broken = post(f"{manager.url}/api/v1/write", b"\x01\x00\xff" * 1000, "application/x-protobuf", {"Content-Encoding": "snappy"})
    nested = post(f"{manager.url}/v1/metrics", b"[" * 1_000_000)
    scene.check("bombs and nonsense get their status", bomb in (400, 413) and broken == 400 and nested == 400, (bomb, broken, nested))

    wait_until(lambda: len(honest.statuses) >= before + ROUNDS, DEADLINE, "the honest sender hangs beside the others", every=0.1)
    honest.over = True
    honest.join(DEADLINE)
    scene.check("nothing of the honest sender was refused", set(honest.statuses) == {200},
                f"{len(honest.statuses)} requests, slowest {1e3 * alone:.0f} ms alone, {1e3 * honest.slowest:.0f} ms beside the others")
    samples = lambda: manager.get("/api/v1/instances/honest-01")["status"]["samples"]
    wait_until(lambda: samples() >= len(honest.statuses), DEADLINE, "samples of the honest sender are missing", every=0.2)
    scene.check("nothing of it was lost", samples() == len(honest.statuses), f"{samples()} samples")
    memory = resident(manager.process.pid)
    scene.check("the manager's memory stayed within the bound", memory < MOST_MEMORY, f"{memory >> 20} MiB at most")

    scene.await_instance(manager, "exploding-01")
    described = manager.mien("describe", "instance", "exploding-01").out
    scene.check("the instance says which label explodes", "SeriesLimit" in described and "`request_id`" in described,
                [line for line in described.splitlines() if "SeriesLimit" in line])
    counted = manager.ask("GET", "/metrics").text
    scene.check("so do /metrics", re.search(r'^mien_series_limit_label_values\{instance_name="exploding-01",label="request_id"\} \d+$', counted, re.M))
    for one in slow:
        one.close()


if __name__ == "__main__":
    play(main)
