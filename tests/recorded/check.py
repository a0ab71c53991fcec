#!/usr/bin/env python3
"""Replays the recorded hour through `mien score`: the same episodes as expected.txt, or no worse than floor.txt.

check.py --program build/dev/mien               exit code 1 when an episode differs; the difference is printed
check.py --program build/dev/mien --rewrite     takes what comes out as expected.txt; read the diff, then the table in README.md
check.py --program build/dev/mien --say         prints all that is judged, with the summaries of `--explain`
check.py --program build/release/mien --beginnings 24
                                                exit code 1 when a figure is worse than floor.txt says. Each figure is a sum over
                                                recordings that begin some rows later each: where blocks begin is chance, and one
                                                draw of it says as little as one throw of a coin

Three ways, for an instance opens nothing of its own before it has seen some hours, and one fault may hide the next:
  young  what was recorded and nothing else; of each fault how odd its oddest row is, beside the oddest row of the calm
  whole  the recording from its first row to its last, after a day of ordinary life
  service  the same of the service that all phases ran in, of which its memory was recorded: only the leak is there to be seen
  apart  each fault with the calm around it, from the state that the same day and the recording's ordinary life left
That day was not recorded: it is the recording's own ordinary life (all before its first fault), played back and forth.
"""
import argparse
import bisect
import csv
import difflib
import gzip
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple, Optional

HERE = pathlib.Path(__file__).resolve().parent
CPU = ("system.cpu", "system.process", "system.linux.pressure.cpu", "system.linux.context_switches", "system.paging.faults")
# The faults, and what each moves: an alert that blames something else did not see it, whenever it began.
FAULTS = {
    "leak": ("system.memory", "system.paging", "system.linux.pressure.memory"),
    "hog": CPU, "miner": CPU,
    "disk": ("system.disk", "system.linux.pressure.io", "system.memory", "system.cpu.time.iowait", "system.process.count.blocked"),
    "scan": ("system.network", "system.linux.context_switches", "system.cpu.time"),
    "forks": (*CPU, "system.linux.threads"),
}
FALSE_ALARMS = "1/day"  # affordable of a machine that has six faults within the hour
DAY = 86400
ODD = 2     # times the oddest row of the calm is seen
STILL = 60  # rows after a fault in which what opens is its aftermath, not false
HUNG_AFTER_SECONDS = 120
APART = 3   # rows from one beginning to the next: ten of them begin a block at each of its rows


class Phase(NamedTuple):
    name: str
    first: int  # rows of the recording, from 1
    last: int


class Episode(NamedTuple):
    opened: int
    closed: Optional[int]
    kind: str
    severity: str
    metric: str
    summary: str


class Recording:
    def __init__(self, name: str, left_out: int = 0):
        """`left_out`: rows of its beginning that are."""
        with gzip.open(HERE / name, "rt", newline="") as file:
            self.header, *lines = file.read().splitlines()
        self.rows = [tuple(line.split(",", 1)) for line in lines[left_out:]]
        self.seconds = [int(stamp) for stamp, _ in self.rows]
        row_of = lambda row: max(1, int(row) - left_out)
        with open(HERE / "phases.csv", newline="") as file:
            self.phases = [Phase(row["phase"], row_of(row["first_row"]), row_of(row["last_row"])) for row in csv.DictReader(file)]
        self.ordinary = next(phase.first for phase in self.phases if phase.name in FAULTS) - 1  # rows of it

    def day(self) -> list:
        """A day, second by second, that ends where the recording begins: ordinary life there and back, so without a jump."""
        there = [values for _, values in self.rows[:self.ordinary]]
        backwards = itertools.islice(itertools.cycle(there + there[::-1]), DAY)
        return [(str(self.seconds[0] - ago), values) for ago, values in enumerate(backwards, 1)][::-1]

    def row_at(self, second: float) -> int:
        return bisect.bisect_right(self.seconds, second)

    def place(self, row: int) -> str:
        """`leak +12`: the phase that the row lies in, and how many rows after its beginning; idle: after what it follows."""
        before = "the start"
        for phase in self.phases:
            if phase.first <= row <= phase.last:
                name = phase.name if phase.name != "idle" else f"calm after {before}"
                return f"{name} +{row - phase.first}"
            before = phase.name
        return "before the first phase"

    def around(self, phase: Phase) -> tuple:
        """The phase with the calm before it, less the aftermath of what was before that, and the calm after it: (first, last) row."""
        at = self.phases.index(phase)
        return max(self.phases[at - 1].first + STILL, self.ordinary + 1), self.phases[at + 1].last


class Judge:
    """`mien score` on rows of the recording."""

    def __init__(self, program: pathlib.Path, recording: Recording, folder: pathlib.Path):
        self.program, self.recording, self.folder = program, recording, folder
        self.oddest = {}  # of the run before: row of the recording -> score
        self.later = 0  # seconds that the run's rows were recorded later than they are stamped

    def score(self, rows: list, *options) -> list:
        """The episodes of these (stamp, values), in the order in which they open."""
        (self.folder / "input.csv").write_text("\n".join([self.recording.header, *(",".join(row) for row in rows)]) + "\n")
        done = subprocess.run([self.program, "score", "--input", self.folder / "input.csv", "--output", self.folder / "scores.csv",
                               "--false-alarms", FALSE_ALARMS, "--explain", *map(str, options)],
                              capture_output=True, text=True, timeout=HUNG_AFTER_SECONDS)
        if done.returncode != 0:
            sys.exit(f"mien score: exit {done.returncode}\n{done.stderr}")
        with open(self.folder / "scores.csv", newline="") as file:
            self.oddest = {self.row_at(int(row["timestamp"])): (float(row["score"]), row["metric"]) for row in csv.DictReader(file)}
        return self.episodes(done.stderr)

    def episodes(self, explained: str) -> list:
        """What `--explain` says: a line when a finding opens, one when it closes or the rows end, then its metrics, most blamed first."""
        episodes = {}
        at = None
        for line in explained.splitlines():
            if found := re.fullmatch(r"(\S+Z) finding (\d+) opened: ((\w+): (\S+) .*)", line):
                row = self.row_at(datetime.fromisoformat(found[1].replace("Z", "+00:00")).timestamp())
                at = found[2]
                episodes[at] = Episode(row, None, severity="low", kind=found[4], metric=found[5], summary=found[3])
            elif found := re.fullmatch(r"(\S+Z) finding (\d+) (closed|still open): ((\w+), severity (\w+), .*)", line):
                row = self.row_at(datetime.fromisoformat(found[1].replace("Z", "+00:00")).timestamp())
                at = found[2]
                episodes[at] = episodes[at]._replace(closed=row if found[3] == "closed" else None, kind=found[5], severity=found[6])
            elif found := re.fullmatch(r"  1\. (\S+) (.*)", line):
                episodes[at] = episodes[at]._replace(metric=found[1], summary=f"{episodes[at].kind}: {found[1]} {found[2]}")
            elif not line.startswith("  "):
                sys.exit(f"mien score --explain says what is not understood here:\n{line}")
        return list(episodes.values())

    def row_at(self, time: float) -> int:
        return self.recording.row_at(time + self.later)

    def learn(self, rows: list) -> pathlib.Path:
        state = self.folder / "state"
        self.score(rows, "--train-rows", len(rows), "--state-out", state)
        return state

    def faults(self, state: pathlib.Path):
        """For each fault: the phase, what opens in it or in the calm around it, and the scores of these rows."""
        for phase in self.recording.phases:
            if phase.name in FAULTS:
                first, last = self.recording.around(phase)
                # Stamped as if they followed what was learned: what lies between was not silence.
                learned_until = int(self.recording.rows[self.recording.ordinary - 1][0])
                self.later = int(self.recording.rows[first - 1][0]) - learned_until - 1
                rows = [(str(int(stamp) - self.later), *values) for stamp, *values in self.recording.rows[first - 1:last]]
                yield phase, self.score(rows, "--state-in", state), dict(self.oddest)
                self.later = 0

    def young(self) -> dict:
        """By fault, and for the calm before them: the oddest row's score and the metric it blames."""
        oddest = {"calm": (0.0, "-")}
        for phase, _, scores in self.faults(self.learn(self.recording.rows[:self.recording.ordinary])):
            oddest["calm"] = max([oddest["calm"], *(score for row, score in scores.items() if row < phase.first)])
            oddest[phase.name] = max(score for row, score in scores.items() if phase.first <= row <= phase.last)
        return oddest

    def whole(self) -> list:
        """Leaves the state in which the faults are met."""
        state = self.learn(self.recording.day() + self.recording.rows[:self.recording.ordinary])
        return self.score(self.recording.rows[self.recording.ordinary:], "--state-in", state)

    def grown(self) -> dict:
        """`whole`, and by fault: the episodes."""
        found = {"whole": self.whole()}
        found.update((phase.name, episodes) for phase, episodes, _ in self.faults(self.folder / "state"))
        return found


def lines_of(recording: Recording, young: dict, grown: dict) -> list:
    lines = ["# young: the oddest row's score, and the metric that it blames.",
             "# whole, each fault apart, and the service: rows (from 1) in which an episode opened and closed, its kind, severity, most blamed",
             "# metric, and where it opened. Written by check.py --rewrite; read it beside the table in README.md.", "young:"]
    lines += [f"  {name:6} {score:.3f}  {metric}" for name, (score, metric) in young.items()]
    for name, episodes in grown.items():
        lines.append(f"{name}:" if episodes else f"{name}: nothing")
        for one in episodes:
            closed = f"{one.closed:5}" if one.closed else " open"
            lines.append(f"  {one.opened:5} {closed}  {one.kind:8} {one.severity:6} {one.metric}, {recording.place(one.opened)}")
    return lines


def figures_of(recording: Recording, young: dict, grown: dict) -> dict:
    """What the floor speaks about, by its name there."""
    figures = {}
    faults = [phase for phase in recording.phases if phase.name in FAULTS]
    sees = lambda phase, one: phase.first <= one.opened <= phase.last and one.metric.startswith(FAULTS[phase.name])
    seen = lambda phase, episodes: int(any(sees(phase, one) for one in episodes))
    after = lambda phase, one: phase.last < one.opened <= phase.last + STILL
    false = lambda episodes: sum(not any(sees(phase, one) or after(phase, one) for phase in faults) for one in episodes)
    for phase in faults:
        figures[f"{phase.name} young"] = int(young[phase.name][0] > ODD * young["calm"][0])
        figures[f"{phase.name} whole"] = seen(phase, grown["whole"])
        figures[f"{phase.name} apart"] = seen(phase, grown[phase.name])
    figures["seen whole"] = sum(figures[f"{phase.name} whole"] for phase in faults)
    figures["leak service"] = seen(next(phase for phase in faults if phase.name == "leak"), grown["service"])
    figures["false whole"] = false(grown["whole"])
    figures["false service"] = false(grown["service"])
    figures["false apart"] = sum(false(grown[phase.name]) for phase in faults)
    return figures


def below(figures: dict) -> list:
    """One sentence for each figure that is worse than floor.txt says, or has no floor there."""
    floor = {}
    for line in (HERE / "floor.txt").read_text().splitlines():
        words = line.partition("#")[0].split()
        if words:
            floor[f"{words[0]} {words[1]}"] = int(words[2])
    worse = [f"{name} is not in floor.txt" for name in figures if name not in floor]
    worse += [f"{name} is in floor.txt and nowhere else" for name in floor if name not in figures]
    for name in sorted(figures.keys() & floor.keys()):
        value, least = figures[name], floor[name]
        if value == least:
            continue
        if (value > least) == name.startswith("false"):
            worse.append(f"{name} is {value}, the floor {least}")
        else:
            print(f"better than its floor: {name} is {value}, the floor {least}; floor.txt may be raised")
    return worse


def judged(program: pathlib.Path, left_out: int = 0) -> tuple:
    """The recording, its oddest rows, and its episodes."""
    recording, service = Recording("hour.csv.gz", left_out), Recording("service.csv.gz", left_out)
    with tempfile.TemporaryDirectory(prefix="mien-recorded-") as folder:
        judge = Judge(program, recording, pathlib.Path(folder))
        young, grown = judge.young(), judge.grown()
        grown["service"] = Judge(program, service, pathlib.Path(folder)).whole()
    return recording, young, grown


def floor_is_kept(program: pathlib.Path, beginnings: int) -> bool:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = list(pool.map(lambda which: figures_of(*judged(program, APART * which)), range(beginnings)))
    figures = {name: sum(run[name] for run in runs) for name in runs[0]}
    print(f"sums over {beginnings} beginnings:", *(f"  {name:14} {value:3}" for name, value in figures.items()), sep="\n")
    worse = below(figures)
    print("\n".join(worse + [f"floor: {'BELOW' if worse else 'kept'}"]))
    return not worse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--rewrite", action="store_true", help="take what came out as what is expected")
    parser.add_argument("--say", action="store_true", help="print every episode with its summary")
    parser.add_argument("--beginnings", type=int, metavar="N", help="hold the figures of so many beginnings against floor.txt")
    chosen = parser.parse_args()
    program = chosen.program.resolve()
    if chosen.beginnings:
        return 0 if floor_is_kept(program, chosen.beginnings) else 1
    recording, young, grown = judged(program)
    if chosen.say:
        for name, episodes in grown.items():
            print(f"{name}:", *(f"\n  {one.opened} {recording.place(one.opened)}: {one.severity} {one.summary}" for one in episodes))
        print("\n".join(f"{name} {value}" for name, value in figures_of(recording, young, grown).items()))
    expected, text = HERE / "expected.txt", "\n".join(lines_of(recording, young, grown)) + "\n"
    before = expected.read_text() if expected.exists() else ""
    if chosen.rewrite:
        expected.write_text(text)
    elif before != text:
        sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), text.splitlines(True), "expected.txt", "(came out)"))
    print(f"episodes: {'as expected' if before == text else 'rewritten' if chosen.rewrite else 'DIFFER'}")
    return 1 if before != text and not chosen.rewrite else 0


if __name__ == "__main__":
    sys.exit(main())
