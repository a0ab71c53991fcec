#!/usr/bin/env python3
"""Draws the pictures of reading-a-score.md again: made data, judged and drawn by `mien score --plot`.

make.py [--program build/release/mien] [--keep FOLDER]   (./dev pictures builds the program and runs this)

Each picture is three days of a made server in which one thing happens, after three weeks that were known to be healthy.
The kind that the last finding must have is checked, so that no picture shows something else than the page says.
"""
import argparse
import math
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
STEP = 300  # seconds
DAY = 86400 // STEP
BEGIN = 1_767_571_200  # 2026-01-05T00:00:00Z, a Monday


class Server:
    """Made metrics: noise that remembers a little, and for most of them a day's rhythm."""

    def __init__(self, seed: int):
        self.chance, self.noise = random.Random(seed), 0.0
        self.tides = random.Random(seed + 1000)
        self.load = self.other = 0.0

    def busy(self, i: int) -> float:
        hour = (i % DAY) / DAY * 24
        weekend = (i // DAY) % 7 >= 5
        return max(0.0, math.sin((hour - 7) / 12 * math.pi)) * (0.3 if weekend else 1.0)

    def row(self, i: int) -> dict:
        self.noise += 0.5 * (self.chance.gauss(0, 1) - self.noise)
        busy, own = self.busy(i), self.chance.gauss(0, 1)
        self.load += 0.1 * (self.tides.gauss(0, 4) - self.load)
        self.other += 0.1 * (self.tides.gauss(0, 4) - self.other)
        return {
            "system.cpu.utilization": 0.20 + 0.25 * busy + 0.015 * self.noise,
            "http.requests": 40 + 420 * busy + 9 * self.noise + 6 * own,
            "system.memory.utilization": 0.42 + 0.01 * self.noise,
            # Work that comes in waves of seven hours.
            # Two that come with the same tide.
            "disk.reads": 300 + 60 * self.load + 3 * self.noise,
            "disk.writes": 120 + 25 * self.load + 1.5 * own,
            "queue.length": 500 + 200 * math.sin(2 * math.pi * i / 84) + 40 * self.noise,
        }


CPU, REQUESTS, MEMORY, QUEUE = "system.cpu.utilization", "http.requests", "system.memory.utilization", "queue.length"
READS, WRITES = "disk.reads", "disk.writes"


def ordinary(i, at, row, server):
    pass


def spike(i, at, row, server):
    row[CPU] += 0.45 if at <= i < at + 2 else 0


def level(i, at, row, server):
    row[CPU] += 0.30 if i >= at else 0


def ramp(i, at, row, server):
    row[MEMORY] += max(0, i - at) * 0.0009


def spread(i, at, row, server):
    row[CPU] += server.chance.gauss(0, 0.12) if i >= at else 0


def frozen(i, at, row, server):
    if i == at:
        server.held = row[CPU]
    row[CPU] = server.held if i >= at else row[CPU]


def seasonal(i, at, row, server):
    """The noon's load at night."""
    row[CPU] += 0.25 if at <= i < at + 36 else 0


def relation(i, at, row, server):
    """Each has its usual tide, but no longer the same."""
    row[WRITES] += 25 * (server.other - server.load) if i >= at else 0


def shape(i, at, row, server):
    """Usual values in an unusual order: waves twice as quick."""
    row[QUEUE] += 200 * (math.sin(2 * math.pi * i / 42) - math.sin(2 * math.pi * i / 84)) if i >= at else 0


LEARNED = 22 * DAY
END = 25 * DAY
EVENT = LEARNED + DAY + 120  # the second day that is shown, 10:00
# name: what happens, when, the columns, the kind that it must be named, and the seed of its noise
PICTURES = {
    "none": (ordinary, END, [CPU, REQUESTS], None, 5),
    "spike": (spike, EVENT + 30, [CPU], "spike", 6),
    "level": (level, EVENT, [CPU], "level", 6),
    "ramp": (ramp, EVENT - DAY // 2, [MEMORY], "ramp", 3),
    "spread": (spread, EVENT, [CPU], "spread", 6),
    "frozen": (frozen, EVENT + 10, [CPU], "frozen", 6),
    "seasonal": (seasonal, LEARNED + DAY + 12, [CPU], "seasonal", 6),
    "relation": (relation, EVENT, [READS, WRITES], "relation", 4),
    "shape": (shape, EVENT, [QUEUE], "shape", 4),
}


def parts_of(name: str) -> tuple:
    """The days that are learned from, and those that are drawn."""
    change, at, columns, _, seed = PICTURES[name]
    server = Server(seed)
    header, lines = "timestamp," + ",".join(columns) + "\n", []
    for i in range(END):
        row = server.row(i)
        change(i, at, row, server)
        lines.append(f"{BEGIN + i * STEP}," + ",".join(f"{row[column]:.4f}" for column in columns) + "\n")
    return header + "".join(lines[:LEARNED]), header + "".join(lines[LEARNED:])


def draw(program: str, home: pathlib.Path, name: str) -> bool:
    _, at, _, kind, _ = PICTURES[name]
    learned, shown = parts_of(name)
    (home / "learned.csv").write_text(learned)
    (home / f"{name}.csv").write_text(shown)
    subprocess.run([program, "score", "--input", "learned.csv", "--output", "/dev/null", "--train-rows", str(LEARNED),
                    "--state-out", "state"], cwd=home, check=True)
    subprocess.run([program, "score", "--input", f"{name}.csv", "--output", f"{name}.scores", "--state-in", "state",
                    "--plot", f"{name}.png"], cwd=home, check=True)
    lines = (home / f"{name}.scores").read_text().splitlines()[1:]
    alarms = [(row, line.split(",")[3]) for row, line in enumerate(lines) if line.split(",")[2] == "1"]
    early = sum(1 for row, _ in alarms if row < at - LEARNED)
    named = alarms[-1][1] if alarms else None
    after = alarms[0][0] - (at - LEARNED) if alarms else None
    print(f"{name}: named {named}, opened {after} rows after, {early} rows alarmed before")
    (HERE / f"{name}.png").write_bytes((home / f"{name}.png").read_bytes())
    return named == kind and early == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/mien")
    parser.add_argument("--keep", help="leave the data there")
    arguments = parser.parse_args()
    program = str(pathlib.Path(arguments.program).resolve())
    with tempfile.TemporaryDirectory() as temporary:
        home = pathlib.Path(arguments.keep or temporary)
        home.mkdir(exist_ok=True)
        drawn = [draw(program, home, name) for name in PICTURES]
    return 0 if all(drawn) else 1


if __name__ == "__main__":
    sys.exit(main())
