#!/usr/bin/env python3
"""From a batch's arrival to the finding, over the real door: an OTLP/HTTP request is posted to `mien up` on a kept
connection, and `finding.opened` is read from /events. Both ends are one thread here, so nothing of ours waits for a
lock or a thread; the clock starts before the request is written and stops when the event has been read.

Each sender is fresh: three samples above a declared limit make it known, the fourth, which is timed, opens the finding
(a limit wants four samples in a row). Each timed batch carries a host's worth of other series as well.

The ledger's commit stands before the event, so the disk is part of the figure. The same run therefore measures the
disk by itself (append 8 KiB, fdatasync), on a data directory on disk and on one in memory, where syncing is free."""
import argparse
import json
import os
import select
import socket
import subprocess
import time

import measure

METRIC = "system.memory.utilization"
PERSONA = """apiVersion: mien.dev/v1
kind: Persona
metadata: {name: bench-limited}
spec:
  drift: {limits: {system.memory.utilization: {max: 90%}}}
"""
INSTANCE = """---
apiVersion: mien.dev/v1
kind: Instance
metadata: {name: %s}
spec: {personas: [bench-limited]}
"""


def body(instance, times, series):
    """JSON, as a sender without an SDK would write it: a value over the limit and `series` that mean nothing."""
    def gauge(name, value):
        return {"name": name, "gauge": {"dataPoints": [{"timeUnixNano": str(t), "asDouble": value} for t in times]}}
    metrics = [gauge(METRIC, 0.97)] + [gauge(f"app.metric.{s}", 0.5 + s) for s in range(series - 1)]
    return json.dumps({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "service.instance.id", "value": {"stringValue": instance}}]},
        "scopeMetrics": [{"metrics": metrics}]}]}).encode()


def request(port, payload):
    return (b"POST /v1/metrics HTTP/1.1\r\nhost: 127.0.0.1:" + str(port).encode() + b"\r\ncontent-type: application/json\r\ncontent-length: "
            + str(len(payload)).encode() + b"\r\n\r\n" + payload)


def connect(port, first=b""):
    s = socket.create_connection(("127.0.0.1", port))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(first)
    return s


def answer(connection):
    """Reads one whole answer; anything but 200 ends the run."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, rest = data.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"the door said {head.decode()}\n{rest.decode()}")
    length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
    while len(rest) < length:
        rest += connection.recv(65536)


def sync_time(directory):
    """Seconds to append 8 KiB and have it on the disk."""
    with open(directory / "sync-probe", "ab", buffering=0) as f:
        started = time.perf_counter()
        f.write(b"x" * 8192)
        os.fdatasync(f.fileno())
        return time.perf_counter() - started


def measure_one(program, place, directory, arguments):
    directory.mkdir()
    mien = measure.Mien(place, program, directory / "data")
    names = [f"latency-{i}" for i in range(arguments.findings)]
    resources = PERSONA + "".join(INSTANCE % name for name in names)
    subprocess.run([str(program), "--server", mien.url, "apply", "-f", "-"], input=resources.encode(), check=True,
                   stdout=subprocess.DEVNULL)
    events = connect(mien.port, f"GET /events?type=finding.opened HTTP/1.1\r\nhost: 127.0.0.1:{mien.port}\r\n\r\n".encode())
    door = connect(mien.port)
    for name in names:
        now = time.time_ns()
        door.sendall(request(mien.port, body(name, [now - s * 10**9 for s in (3, 2, 1)], arguments.series)))
        answer(door)
    time.sleep(2)
    while select.select([events], [], [], 0)[0]:
        events.recv(65536)

    answered, found, syncs = [], [], []
    spent = measure.cpu_seconds(mien.manager)
    for name in names:
        syncs.append(sync_time(directory))
        payload = request(mien.port, body(name, [time.time_ns()], arguments.series))
        time.sleep(arguments.pause)
        said, got = b"", None
        started = time.perf_counter()
        door.sendall(payload)
        deadline = started + 10
        while got is None or name.encode() not in said:
            ready = select.select([events] + ([door] if got is None else []), [], [], deadline - time.perf_counter())[0]
            now = time.perf_counter()
            if not ready:
                raise SystemExit(f"no finding on {name} within 10 s")
            if door in ready:
                answer(door)
                got = now - started
                answered.append(got)
            if events in ready:
                said += events.recv(65536)
                if name.encode() in said:
                    found.append(now - started)
    spent = (measure.cpu_seconds(mien.manager) - spent) / len(names)
    mien.stop()
    return found, answered, syncs, spent


def milliseconds(values):
    return f"{1e3 * measure.percentile(values, 50):.2f}", f"{1e3 * measure.percentile(values, 99):.2f}", f"{1e3 * max(values):.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=measure.ROOT / "build/release/mien")
    parser.add_argument("--findings", type=int, default=300)
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between batches, so that groups stay small")
    parser.add_argument("--disk", default=None, help="a directory on the disk to measure (default: the temporary one)")
    parser.add_argument("--real-time", action="store_true",
                        help="script and mien before all other processes (root), for a machine that is busy with others")
    arguments = parser.parse_args()
    if arguments.real_time:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    print(measure.machine())
    rows = []
    for words, under in (("disk", arguments.disk), ("memory (/dev/shm)", "/dev/shm")):
        with measure.Workplace(under) as place:
            found, answered, syncs, spent = measure_one(arguments.program, place, place.path / "run", arguments)
            rows.append([f"batch to finding.opened, data in {words}", len(found), *milliseconds(found)])
            rows.append([f"batch to the answer (it is in the log), data in {words}", len(answered), *milliseconds(answered)])
            rows.append([f"CPU of the manager for a batch, data in {words}", len(found), f"mean {1e3 * spent:.2f}", "", ""])
            rows.append([f"append 8 KiB + fdatasync, {words}, between the batches", len(syncs), *milliseconds(syncs)])
    print(measure.table(["figure", "n", "p50 ms", "p99 ms", "max ms"], rows))


if __name__ == "__main__":
    main()
