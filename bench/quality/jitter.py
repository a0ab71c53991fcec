#!/usr/bin/env python3
"""Judges the engine with its constants moved: what one configuration has above the mean of its neighbours is luck.

Each judged constant (CONSTANTS) is multiplied by a factor in [0.8, 1.2], drawn from the seed and its name. The files they
stand in are copied, changed, compiled as build/release compiled them, and linked into a `mien` of their own under
build/jitter/SEED; everything else is taken from build/release, which has to be built. Then mien-quality judges each.

  bench/quality/jitter.py --jitter 5 --data DIR [--only smd,asd]   # also as ./dev bench quality --jitter 5 --data DIR
  bench/quality/jitter.py --jitter 5 --injected
  bench/quality/jitter.py --check                                  # every constant is where this file says
"""
import argparse
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Chosen by judgement, not by a law, a unit or a limit: what a search could have fitted to the data. Those of headers are
# left as they are: several files are compiled with them.
CONSTANTS = {
    "drift/alarm.cc": ["standing_scale", "onset_scale", "onset_begins", "novelty", "fades_in", "sudden_share", "fresh_share", "clearly_stronger",
                       "sustained_margin", "held_blocks", "bump_from", "bump_ends", "forget", "episode_step"],
    "drift/drift.cc": ["own_weight", "combined_empirical"],
    "drift/judge.cc": ["rare_surprise", "decades_of_magnitude"],
    "drift/pattern.cc": ["local", "usual", "texture_weight", "level_taken", "new_form", "strange_form", "least_rate"],
    "drift/relations.cc": ["quick_rate", "steady_rate", "restless_rate", "empirical", "ordinary"],
    "drift/sustained.cc": ["memory"],
    "learn/learn.cc": ["anchor_blocks", "hour_spread_rate"],
}

# Of mien-quality's tables: (row, column, name of the measure).
MEASURES = [
    ("whole corpus", "score", "NAB, whole corpus"),
    ("unseen: mean of both", "score", "NAB, unseen"),
    *[(folder, column, f"{folder}, {name}")
      for folder in ("smd", "asd", "js2", "mscloud")
      for column, name in (("AUC-PR", "AUC-PR"), ("VUS-PR", "VUS-PR"),
                           ("events found at 1 false a day", "events found at 1 false a day, %"))],
    *[(f"{folder} with", column, f"{folder} with an autoencoder, {name}")
      for folder in ("smd", "asd", "js2")
      for column, name in (("AUC-PR", "AUC-PR"), ("VUS-PR", "VUS-PR"),
                           ("events found at 1 false a day", "events found at 1 false a day, %"))],
    ("all", "ratio", "false episodes, realised / promised"),
    ("all", "instances within 1.5x", "instances within 1.5x, %"),
    ("all", "caught", "injected: caught, %"),
    ("all", "rightly named", "injected: rightly named, %"),
    ("1 % a day, as ramp or level before +30 %", "caught", "1 % a day, %"),
    ("all, promised 1", "a week", "made series: false episodes a week at 1"),
]


def fail(message):
    sys.exit(f"jitter.py: {message}")


def factor(seed, file, name):
    if seed == 0:
        return 1.0
    digest = hashlib.sha256(f"{seed} {file} {name}".encode()).digest()
    return 0.8 + 0.4 * int.from_bytes(digest[:8], "big") / 2**64


def moved(file, seed):
    """The text of a source file with its constants multiplied."""
    text = (ROOT / "src" / file).read_text()
    for name in CONSTANTS[file]:
        by = factor(seed, file, name)
        text, found = re.subn(
            rf"(?m)^constexpr (double|float) {name} =(\s*)([^;]+);",
            lambda match: f"constexpr {match[1]} {name} ={match[2]}static_cast<{match[1]}>(({match[3]}) * {by!r});", text)
        if found != 1:
            fail(f"src/{file} defines the constant {name} {found} times, not once: bring CONSTANTS up to date")
    return text


class Builder:
    def __init__(self, release):
        self.release = release
        commands = release / "compile_commands.json"
        if not commands.exists() or not (release / "mien").exists():
            fail(f"{release} is not built: ./dev build")
        self.compile = {entry["file"]: entry for entry in json.loads(commands.read_text())}
        lines = subprocess.run(["ninja", "-C", release, "-t", "commands", "mien"], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        self.link = next(line for line in reversed(lines) if " -o mien " in line)

    def build(self, seed, folder):
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            objects = list(pool.map(lambda file: self.compile_one(file, seed, folder), CONSTANTS))
        # Before the libraries: what is defined already is not taken from them.
        program = folder / "mien"
        words = " ".join(map(shlex.quote, map(str, objects)))
        self.run(self.link.replace(" -o mien ", f" -o {shlex.quote(str(program))} {words} ", 1), self.release)
        return program

    def compile_one(self, file, seed, folder):
        copy = folder / file.replace("/", "_")
        copy.write_text(moved(file, seed))
        entry = self.compile[str(ROOT / "src" / file)]
        words = shlex.split(entry["command"])
        target = copy.with_suffix(".o")
        words[words.index("-o") + 1] = str(target)
        words[words.index("-c") + 1] = str(copy)
        self.run(shlex.join(words), entry["directory"])
        return target

    @staticmethod
    def run(command, where):
        done = subprocess.run(command, shell=True, cwd=where, capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"{command}\n{done.stdout}{done.stderr}")


def number(cell):
    """'53 of 77 (69 %)' as per cent, else the number itself."""
    share = re.match(r"(\d+) of (\d+) \(", cell)
    if share:
        return 100 * int(share[1]) / int(share[2])
    try:
        return float(cell)
    except ValueError:
        return None


def measures(text):
    found = {}
    header = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif not set(cells[0]) <= set("-"):
            promised = dict(zip(header, cells)).get("promised", "1")
            for row, column, name in MEASURES:
                fits = cells[0] == row or (row == "whole corpus" and cells[0].startswith(row))
                if not fits or column not in header[1:] or promised != "1":
                    continue
                value = number(cells[header.index(column)])
                if value is not None:
                    found[name] = value
    return found


def judge(program, release, arguments):
    command = [str(release / "mien-quality"), "--program", str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return measures(done.stdout)


def show(results):
    rows = [("measure", "as built", f"mean of {len(results)}", "lowest", "highest")]
    for _, _, name in MEASURES:
        values = [result[name] for result in results if name in result]
        if len(values) == len(results):
            digits = 4 if "PR" in name else 2
            rows.append((name, *(f"{value:.{digits}f}" for value in
                                 (values[0], sum(values) / len(values), min(values), max(values)))))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for index, row in enumerate(rows):
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"
                                 for column, width in enumerate(widths)) + "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jitter", type=int, default=5, metavar="N", help="configurations beside the one as built")
    parser.add_argument("--seed", type=int, default=1, help="of the first one; the others follow")
    parser.add_argument("--check", action="store_true", help="only see that every constant is where it should be")
    parser.add_argument("--release", type=pathlib.Path, default=ROOT / "build/release", help="where mien is built")
    options, arguments = parser.parse_known_args()
    if options.check:
        for file in CONSTANTS:
            moved(file, 1)
        print(f"{sum(map(len, CONSTANTS.values()))} constants in {len(CONSTANTS)} files")
        return
    if options.jitter < 1 or options.seed < 1:
        fail("--jitter and --seed are at least 1")
    release = options.release.resolve()
    builder = Builder(release)
    results = [judge(release / "mien", release, arguments)]
    if not results[0]:
        fail("mien-quality printed no measure: say --data DIR or --injected")
    for seed in range(options.seed, options.seed + options.jitter):
        print(f"configuration {seed}", file=sys.stderr, flush=True)
        program = builder.build(seed, ROOT / "build/jitter" / str(seed))
        results.append(judge(program, release, arguments))
    show(results)


if __name__ == "__main__":
    main()
