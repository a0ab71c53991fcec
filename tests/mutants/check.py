#!/usr/bin/env python3
"""check.py MUTANT.txt BUILD_DIRECTORY: the test that the mutant names passes without it and fails with it."""
import pathlib
import subprocess
import sys

SEEDS = 30

path, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
name = path.stem
program, what = next(line.split(":", 1)[1].split() for line in path.read_text().splitlines() if line.startswith("caught:"))


def run(mutant: str, *arguments: str):
    room = program.removesuffix("_test")
    return subprocess.run([build / f"mutants_{room}", mutant, *arguments], capture_output=True, text=True, errors="replace", timeout=600)


if program == "sim":
    for seed in range(1, SEEDS + 1):
        done = run(name, "--seed", str(seed), "--quiet")
        if done.returncode != 0:
            said = done.stdout + done.stderr
            if what not in said:
                sys.exit(f"seed {seed} fails, but not by {what}:\n{said[-2000:]}")
            if run("none", "--seed", str(seed), "--quiet").returncode != 0:
                sys.exit(f"seed {seed} fails without the mutant too")
            print(f"caught by {what} at seed {seed}")
            sys.exit(0)
    sys.exit(f"{name} survived {SEEDS} seeds")

without = run("none", f"--gtest_filter={what}")
if without.returncode != 0 or "[  PASSED  ] 1 test" not in without.stdout:
    sys.exit(f"without the mutant {program} {what} must pass, once:\n{without.stdout[-2000:]}{without.stderr[-2000:]}")
if run(name, f"--gtest_filter={what}").returncode == 0:
    sys.exit(f"{name} survived {program} {what}")
print(f"caught by {program} {what}")
