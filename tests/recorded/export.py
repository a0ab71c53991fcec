#!/usr/bin/env python3
"""Takes what a manager recorded of its host out of its API, as one CSV that `mien score` reads.

export.py --server URL --times FOLDER/times.csv --folder FOLDER [--before 120] [--service UNIT@HOST]

Rows are the seconds as the agent sampled them, columns all series of the host. Counters and busy times stand as the API
gives them: rates. Values are rounded to five significant digits. Nothing says which machine it was: devices and mount
points are numbered, and the instance's name is left out. --before: seconds ahead of the first phase that are taken too.
It leaves in FOLDER `hour.csv.gz`, and `phases.csv`: the times in rows of the recording. --service: the service or container in
which the phases were played, as `mien get instances` names it; its series go to `service.csv.gz`, row by row beside the hour's.
"""
import argparse
import bisect
import gzip
import json
import pathlib
import urllib.parse
import urllib.request

SLICE_MS = 120_000  # a short range is answered in seconds, a long one in minutes
DIGITS = 5
NUMBERED = {"device": "device", "mountpoint": "mount"}


def get(server: str, path: str, **query):
    with urllib.request.urlopen(f"{server}{path}?{urllib.parse.urlencode(query)}", timeout=60) as answer:
        return json.load(answer)


def host_of(server: str) -> str:
    hosts = [each["metadata"]["name"] for each in get(server, "/api/v1/instances", limit=5000)["items"]
             if each["status"]["type"] == "host"]
    if len(hosts) != 1:
        raise SystemExit(f"{server} watches {len(hosts)} hosts; a recording is of one")
    return hosts[0]


def column_of(series: dict, numbers: dict) -> str:
    """`system.disk.io.device0.read`: the metric and the values of its attributes."""
    words = [series["metric"]]
    for key, value in sorted(series["attributes"].items()):
        if key in NUMBERED:
            family = (series["metric"].split(".")[1], key)
            words.append(numbers.setdefault((family, value), f"{NUMBERED[key]}{sum(one == family for one, _ in numbers)}"))
        else:
            words.append(value)
    return ".".join(words)


def rows_of(server: str, instance: str, start_ms: int, end_ms: int):
    """The columns in order of name, and per second of a sample its values by column."""
    numbers, rows = {}, {}
    for begin in range(start_ms, end_ms, SLICE_MS):
        end = min(begin + SLICE_MS, end_ms)
        answer = get(server, f"/api/v1/instances/{urllib.parse.quote(instance)}/series", **{"from": f"{begin / 1000:.3f}", "to": f"{end / 1000:.3f}"})
        for series in answer["series"]:
            column = column_of(series, numbers)
            for at, value, count in zip(series["at"], series["mean"], series["count"]):
                if not begin <= at < end:
                    continue
                if count > 1:
                    raise SystemExit(f"{column}: the seconds are gone, only minutes are kept")
                if value is not None:
                    rows.setdefault(at // 1000, {})[column] = value
    return sorted({column for row in rows.values() for column in row}), dict(sorted(rows.items()))


def write(path: pathlib.Path, columns: list, rows: dict) -> None:
    lines = [",".join(["timestamp", *columns])]
    for second, row in rows.items():
        lines.append(",".join([str(second), *(f"{row[column]:.{DIGITS}g}" if column in row else "" for column in columns)]))
    packed = gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0)
    path.write_bytes(packed)
    print(f"{path.name}: {len(rows)} rows, {len(columns)} columns, {len(packed)} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--times", type=pathlib.Path, required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--service")
    parser.add_argument("--before", type=int, default=120)
    chosen = parser.parse_args()
    phases = [line.split(",") for line in chosen.times.read_text().splitlines()[1:]]
    start, end = int(phases[0][1]) - chosen.before, int(phases[-1][2])
    columns, rows = rows_of(chosen.server, host_of(chosen.server), start * 1000, end * 1000)
    write(chosen.folder / "hour.csv.gz", columns, rows)
    if chosen.service:
        columns, own = rows_of(chosen.server, chosen.service, start * 1000, end * 1000)
        write(chosen.folder / "service.csv.gz", columns, {second: own.get(second, {}) for second in rows})
    seconds = list(rows)
    lines = ["phase,first_row,last_row"]
    for name, begin, finish in phases:
        lines.append(f"{name},{1 + bisect.bisect_left(seconds, int(begin))},{bisect.bisect_left(seconds, int(finish))}")
    (chosen.folder / "phases.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
