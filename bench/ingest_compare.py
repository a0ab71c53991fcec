#!/usr/bin/env python3
"""Samples for each CPU second of the server: remote-write through `mien up` (its manager: decoding, durable log, scoring
on) beside VictoriaMetrics and Prometheus, each driven by the same bench/write_load.cc on loopback.

Each server starts empty, hears of every series in two rounds that do not count, rests, and is measured over --rounds
rounds until it rests again, so that what it puts off counts too. `resting` is a second in which it used less than 2 % of
a core, or --patience seconds. The sender's own CPU does not count. What is not installed is left out."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

import measure


class Server:
    def __init__(self, name, pid, port, path="/api/v1/write"):
        self.name, self.pid, self.port, self.path = name, pid, port, path


def answers(port, path, within=60):
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"port {port} did not answer within {within} s")


def mien(place, program):
    up = measure.Mien(place, program, place.path / "mien")
    return Server("Mien", up.manager, up.port)


def victoria_metrics(place, program):
    port = measure.free_port()
    process = place.start([program, f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={place.path}/vm"], "vm")
    answers(port, "/health")
    return Server("VictoriaMetrics", process.pid, port)


def prometheus(place, program):
    port = measure.free_port()
    config = place.path / "prometheus.yml"
    config.write_text("global: {}\n")
    process = place.start([program, f"--config.file={config}", f"--storage.tsdb.path={place.path}/prometheus",
                           f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"], "prometheus")
    answers(port, "/-/ready")
    return Server("Prometheus", process.pid, port)


def rest(server, patience):
    end = time.monotonic() + patience
    before = measure.cpu_seconds(server.pid)
    while time.monotonic() < end:
        time.sleep(1)
        now = measure.cpu_seconds(server.pid)
        if now - before < 0.02:
            return True
        before = now
    return False


def send(arguments, server, first, rounds, at, replaced):
    command = [arguments.load, "--port", server.port, "--path", server.path, "--series", arguments.series, "--body",
               arguments.body, "--connections", arguments.connections, "--first-round", first, "--rounds", rounds, "--at",
               at, "--replaced", replaced]
    return json.loads(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout)


def judge(arguments, start, program, replaced):
    with measure.Workplace(arguments.under) as place:
        server = start(place, program)
        rest(server, 5)
        empty = measure.memory_kib(server.pid)["Pss"]
        # Never older than two minutes: then Mien takes it for backlog, and scores it the cheaper way.
        at = int(time.time() * 1000) - 60_000
        send(arguments, server, 0, 2, at, 0)
        rest(server, arguments.patience)
        full = measure.memory_kib(server.pid)["Pss"]
        before = measure.cpu_seconds(server.pid)
        done = send(arguments, server, 2, arguments.rounds, at, replaced)
        rested = rest(server, arguments.patience)
        cpu = measure.cpu_seconds(server.pid) - before
        row = [server.name, f"{arguments.series:,}", "steady" if replaced == 0 else f"{replaced / 10:g} % new a round",
               f"{done['samples']:,}", f"{cpu:.2f}" + ("" if rested else " and more"), f"{done['samples'] / cpu:,.0f}",
               f"{cpu / max(done['samples'], 1) * 1e9:.0f}", f"{(full - empty) * 1024 / arguments.series:.0f}",
               f"{done['seconds']:.1f}", done["later"], done["failed"]]
        print(measure.table(HEAD, [row]).splitlines()[-1], flush=True)
        return server.name, done["samples"] / cpu


HEAD = ["server", "series", "kind", "samples", "CPU s", "samples / CPU s", "ns a sample", "B a series", "s", "later", "refused"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    build = measure.ROOT / "build/release"
    parser.add_argument("--program", default=build / "mien", type=pathlib.Path)
    parser.add_argument("--load", default=build / "bench/write_load", type=pathlib.Path)
    parser.add_argument("--victoria-metrics", default=shutil.which("victoria-metrics"))
    parser.add_argument("--prometheus", default=shutil.which("prometheus"))
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--body", type=int, default=500, help="samples in a request; Prometheus has 500")
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--replaced", type=int, default=10, help="of a thousand series, each round, in the second run")
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("--under", help="directory for the servers' data")
    parser.add_argument("--only", choices=["mien", "victoria-metrics", "prometheus"])
    arguments = parser.parse_args()
    servers = {"mien": (mien, arguments.program), "victoria-metrics": (victoria_metrics, arguments.victoria_metrics),
               "prometheus": (prometheus, arguments.prometheus)}
    print(measure.machine(), flush=True)
    print(measure.table(HEAD, [HEAD]).splitlines()[0])
    for replaced in (0, arguments.replaced):
        rates = dict(judge(arguments, *server, replaced) for name, server in servers.items()
                     if server[1] and arguments.only in (None, name))
        for peer in rates:
            if peer != "Mien" and "Mien" in rates:
                print(f"Mien : {peer} = {rates['Mien'] / rates[peer]:.2f}", flush=True)


if __name__ == "__main__":
    main()
