#!/usr/bin/env python3
"""The agent of `mien up` beside prometheus-node-exporter, collectd and netdata, in one run on one host: CPU share and
memory of each while all of them collect once a second. What is not installed is left out.

All run on loopback, with configurations and directories of their own; services that run already are not touched.
A bare loop that reads the files which the agent keeps open, once a second, and does nothing with them, is the ruler for what is
ours: bench/bare_loop.c. `--services N` makes N control groups with a process each, so that there is something to collect.
node_exporter is scraped each second by this script; collectd sends to a UDP port (plugin network); netdata keeps its
own store, as it does by default, so its figure stands for collecting and storing: compare it with agent and manager
together. CPU is the process's own clock, in nanoseconds; PSS shares library pages among those that map them."""
import argparse
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time
import urllib.request

import measure


def node_exporter(place):
    port = measure.free_port()
    process = place.start(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}"], "node_exporter")

    def scrape():
        connection = None
        while True:
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/metrics")
                place.scraped = connection.getresponse().read()
            except OSError:
                connection = None
            time.sleep(1)

    threading.Thread(target=scrape, daemon=True).start()
    return process


def collectd(place):
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    place.sink = sink  # kept open, never read: a full buffer drops
    plugins = "cpu load memory swap vmem disk df interface processes"
    config = place.path / "collectd.conf"
    config.write_text(
        f'Hostname "bench"\nFQDNLookup false\nInterval 1\nBaseDir "{place.path}"\nPIDFile "{place.path}/collectd.pid"\n'
        + "TypesDB \"/usr/share/collectd/types.db\"\n"
        + "".join(f"LoadPlugin {name}\n" for name in plugins.split()) + "LoadPlugin network\n"
        + f'<Plugin network>\n  Server "127.0.0.1" "{sink.getsockname()[1]}"\n</Plugin>\n')
    return place.start(["collectd", "-f", "-C", str(config)], "collectd")


def netdata(place):
    base = place.path / "netdata"
    for name in ("etc", "lib", "cache", "log"):
        (base / name).mkdir(parents=True)
    config = base / "netdata.conf"
    place.netdata_port = measure.free_port()
    config.write_text(f"""[global]
  run as user = root
  process scheduling policy = keep
[db]
  update every = 1
[directories]
  config = {base}/etc
  lib = {base}/lib
  cache = {base}/cache
  log = {base}/log
[web]
  bind to = 127.0.0.1
  default port = {place.netdata_port}
[plugins]
  statsd = no
[registry]
  enabled = no
[cloud]
  enabled = no
""")
    (base / "etc/.opt-out-from-anonymous-statistics").touch()
    return place.start(["netdata", "-D", "-c", str(config)], "netdata")


def kept_files(pid):
    """What a process keeps open of the kernel's files."""
    found = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(descriptor)
        except OSError:
            continue
        if name.startswith(("/proc/", "/sys/")) and os.path.isfile(name):
            # Its own files by the kernel's name for whoever asks: mountinfo, net/dev.
            found.add(re.sub(r"^/proc/\d+/", "/proc/self/", name))
    return sorted(found)


def build_loop(place):
    program = place.path / "bare_loop"
    subprocess.run(["cc", "-O2", "-o", program, measure.ROOT / "bench/bare_loop.c"], check=True)
    return str(program)


class Services:
    """Control groups of version 1 and 2 with a process each, that wakes once a second; taken away at the end."""

    hierarchies = ("cpuacct", "cpu", "blkio", "pids", "unified", "")

    def __init__(self, count, program):
        self.processes, self.folders = [], []
        for number in range(count):
            self.processes.append(subprocess.Popen([program, "/proc/self/stat"], stdin=subprocess.DEVNULL, start_new_session=True))
            for hierarchy in self.hierarchies:
                root = pathlib.Path("/sys/fs/cgroup") / hierarchy
                if not (root / "cgroup.procs").exists():
                    continue
                folder = root / f"bench-{number:03}"
                folder.mkdir(exist_ok=True)
                self.folders.append(folder)
                (folder / "cgroup.procs").write_text(str(self.processes[-1].pid))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            measure.end(process)
        for folder in self.folders:
            folder.rmdir()


class Watched:
    def __init__(self, name, pids):
        self.name, self.pids = name, pids
        self.cpu, self.rss, self.pss, self.private, self.shares = {}, [], [], [], []

    def sample(self, elapsed):
        """CPU since the last sample as a share of one core, and memory now."""
        used = 0.0
        pids = self.pids()
        memory = []
        for pid in pids:
            cpu = measure.cpu_seconds(pid)
            try:
                memory.append(measure.memory_kib(pid))
            except OSError:
                continue
            if cpu is not None:
                used += cpu - self.cpu.get(pid, 0.0)
                self.cpu[pid] = cpu
        if elapsed:
            self.shares.append(100 * used / elapsed)
            self.rss.append(sum(m["Rss"] for m in memory) / 1024)
            self.pss.append(sum(m["Pss"] for m in memory) / 1024)
            self.private.append(sum(m["Private_Dirty"] for m in memory) / 1024)
        return used


def mappings(pid):
    """What the resident memory is: [KiB resident, KiB of it our own] by mapping, largest first."""
    sizes, name = {}, ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if head := re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+\s*(.*)", line):
            name = os.path.basename(head.group(1)) or "anonymous"
        elif part := re.match(r"(Rss|Private_Dirty):\s+(\d+)", line):
            sizes.setdefault(name, [0, 0])[part.group(1) != "Rss"] += int(part.group(2))
    return sorted(sizes.items(), key=lambda item: -item[1][0])


def values_in(packet):
    """How many values a packet of collectd's network protocol carries: parts of type, length, and for 6 a count."""
    count = at = 0
    while at + 4 <= len(packet):
        kind, length = struct.unpack_from("!HH", packet, at)
        count += struct.unpack_from("!H", packet, at + 4)[0] if kind == 6 else 0
        at += max(length, 4)
    return count


def samples_a_second(place, mien):
    """Of each, after the measured time; what cannot be counted is left out."""
    def samples():
        text = urllib.request.urlopen(mien.url + "/metrics", timeout=10).read().decode()
        return float(re.search(r"^mien_samples_total (\S+)", text, re.M).group(1))

    def drain():
        count = 0
        while hasattr(place, "sink"):
            try:
                count += values_in(place.sink.recv(65536, socket.MSG_DONTWAIT))
            except BlockingIOError:
                break
        return count

    drain()
    before, started = samples(), time.monotonic()
    time.sleep(5)
    elapsed = time.monotonic() - started
    found = {"mien agent": (samples() - before) / elapsed, "collectd": drain() / elapsed}
    if hasattr(place, "scraped"):
        found["prometheus-node-exporter"] = sum(not line.startswith(b"#") for line in place.scraped.splitlines())
    if hasattr(place, "netdata_port"):
        charts = json.load(urllib.request.urlopen(f"http://127.0.0.1:{place.netdata_port}/api/v1/charts", timeout=10))
        found["netdata"] = sum(len(chart["dimensions"]) for chart in charts["charts"].values())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=measure.ROOT / "build/release/mien")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--settle", type=int, default=20)
    parser.add_argument("--window", type=int, default=10, help="seconds per CPU sample; the median of these is the figure")
    parser.add_argument("--services", type=int, default=0, help="so many control groups are made for the time")
    parser.add_argument("--no-sensors", action="store_true", help="the agent reads, and does not watch")
    arguments = parser.parse_args()
    settings = "collect: {sensors: false}\n" if arguments.no_sensors else None
    with measure.Workplace() as place, Services(arguments.services, build_loop(place)):
        mien = measure.Mien(place, arguments.program, place.path / "data", agent_settings=settings)
        time.sleep(min(8, arguments.settle))  # until it has found its services
        files = kept_files(mien.agent)
        bare = place.start([str(place.path / "bare_loop"), *files], "bare_loop")
        watched = [Watched("mien agent", lambda: [mien.agent]), Watched("mien manager", lambda: [mien.manager]),
                   Watched(f"bare loop over {len(files)} files", lambda: [bare.pid])]
        for name, start in (("prometheus-node-exporter", node_exporter), ("collectd", collectd), ("netdata", netdata)):
            if shutil.which(name):
                process = start(place)
                watched.append(Watched(name, lambda pid=process.pid: measure.tree(pid)))
            else:
                print(f"{name} is not installed: left out")
        time.sleep(arguments.settle)
        for process in place.running:
            if process.poll() is not None:
                raise SystemExit(f"{process.args[0]} ended; see its log:\n" +
                                 "\n".join(p.read_text()[-1500:] for p in place.path.glob("*.log")))
        print(measure.machine())
        for each in watched:
            each.sample(0)
        begun = last = time.monotonic()
        totals = {each.name: 0.0 for each in watched}
        while time.monotonic() - begun < arguments.seconds:
            time.sleep(arguments.window)
            now = time.monotonic()
            for each in watched:
                totals[each.name] += each.sample(now - last)
            last = now
        agent = watched[0]
        counted = samples_a_second(place, mien)
        rows = []
        for each in watched:
            total = 100 * totals[each.name] / (last - begun)
            rows.append([each.name, len(each.pids()), f"{counted[each.name]:.0f}" if each.name in counted else "",
                         f"{total:.3f}", measure.spread(each.shares, "{:.3f}"),
                         f"{statistics.median(each.rss):.1f}", f"{statistics.median(each.pss):.1f}",
                         f"{statistics.median(each.private):.1f}",
                         f"{total / (100 * totals[agent.name] / (last - begun)):.1f}",
                         f"{statistics.median(each.rss) / statistics.median(agent.rss):.1f}"])
        print(measure.table(["process", "processes", "samples/s", "CPU %, whole run",
                             f"CPU % by {arguments.window} s: median (range)",
                             "RSS MiB", "PSS MiB", "own MiB", "CPU : agent", "RSS : agent"], rows))
        print(f"\n{last - begun:.0f} s; CPU in percent of one core; load at the end {os.getloadavg()[0]:.2f}; agent peak "
              f"RSS {max(agent.rss):.1f} MiB. Largest mappings of the agent, KiB resident (own): "
              + ", ".join(f"{name} {rss} ({own})" for name, (rss, own) in mappings(mien.agent)[:8]))


if __name__ == "__main__":
    main()
