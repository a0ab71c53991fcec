#!/usr/bin/env python3
"""From the start of `mien up` to ready: on an empty data directory, on one that was stopped cleanly, and on one whose
manager was killed, so that the log's tail is folded again. Median of some runs each, no thresholds."""
import argparse
import json
import shutil
import signal
import time
import urllib.request

import measure


def fill(url, instances, series, rows):
    """As if a fleet had reported: `rows` seconds of `series` gauges for each of `instances` senders."""
    now = time.time_ns() // 10**9 * 10**9
    for i in range(instances):
        metrics = [{"name": f"app.metric.{s}", "gauge": {"dataPoints": [
            {"timeUnixNano": str(now - (rows - r) * 10**9), "asDouble": round((s * 7 + r * 13) % 101 / 10, 1)}
            for r in range(rows)]}} for s in range(series)]
        body = {"resourceMetrics": [{
            "resource": {"attributes": [{"key": "service.instance.id", "value": {"stringValue": f"bench-{i}"}}]},
            "scopeMetrics": [{"metrics": metrics}]}]}
        request = urllib.request.Request(url + "/v1/metrics", json.dumps(body).encode(),
                                         {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=30).read()


def folded(url):
    text = urllib.request.urlopen(url + "/metrics", timeout=30).read().decode()
    return next(int(float(line.split()[1])) for line in text.splitlines() if line.startswith("mien_samples_total "))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=measure.ROOT / "build/release/mien")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--instances", type=int, default=50)
    parser.add_argument("--series", type=int, default=60)
    parser.add_argument("--rows", type=int, default=100)
    arguments = parser.parse_args()
    print(measure.machine())
    rows = []
    with measure.Workplace() as place:
        times = []
        for run in range(arguments.runs):
            mien = measure.Mien(place, arguments.program, place.path / f"empty-{run}")
            times.append(1000 * mien.seconds)
            mien.stop()
        rows.append(["an empty directory", measure.spread(times)])

        for how, words in ((signal.SIGTERM, "stopped cleanly"), (signal.SIGKILL, "its processes killed")):
            kept = place.path / f"kept-{how}"
            mien = measure.Mien(place, arguments.program, kept)
            fill(mien.url, arguments.instances, arguments.series, arguments.rows)
            wanted = arguments.instances * arguments.series * arguments.rows
            for _ in range(600):
                if folded(mien.url) >= wanted:
                    break
                time.sleep(0.1)
            samples = folded(mien.url)
            mien.stop(how)
            size = sum(f.stat().st_size for f in kept.rglob("*") if f.is_file())
            times = []
            for run in range(arguments.runs):
                copy = place.path / f"copy-{run}"
                shutil.copytree(kept, copy, ignore=shutil.ignore_patterns("*.sock"))
                mien = measure.Mien(place, arguments.program, copy)
                times.append(1000 * mien.seconds)
                mien.stop()
                shutil.rmtree(copy)
            rows.append([f"{arguments.instances} instances, {samples / 1e3:.0f} k samples, {size / 2**20:.1f} MiB, {words}",
                         measure.spread(times)])
    print(measure.table(["`mien up` on", f"start to ready, ms: median (range) of {arguments.runs}"], rows))


if __name__ == "__main__":
    main()
