#!/usr/bin/env python3
"""Runs seeds of the world in a box: seeds.py --program build/release/mien-sim [--seconds 360] [--at-least 200] [--fresh]

The seeds follow from the commit: the same commit tries the same ones, in the same order, until the time is over; --fresh
takes others. A seed is one process, `mien-sim --seed N --quiet`: it exits 0 when every invariant held and prints one
line that ends with the hash of the run. The first seed is run twice and must hash alike. Prints every seed it tried, and
for one that fails the end of what `./dev sim --seed N` would show.
"""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import secrets
import subprocess
import sys
import time

SEED_HUNG_AFTER_SECONDS = 300


def commit() -> str:
    """The commit that is tested, or for a tree without git the version it says it is."""
    root = pathlib.Path(__file__).resolve().parents[2]
    done = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True)
    return done.stdout.strip() or "no-commit"


def seed_number(base: str, index: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{base}/{index}".encode()).digest()[:4], "big")


def run(program: pathlib.Path, seed: int):
    """(seed, passed, last line)"""
    try:
        done = subprocess.run([program, "--seed", str(seed), "--quiet"], capture_output=True, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, timeout=SEED_HUNG_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        return seed, False, f"hung: no end after {SEED_HUNG_AFTER_SECONDS} s"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return seed, done.returncode == 0, lines[-1] if lines else f"exit {done.returncode}, no output"


def show_failure(program: pathlib.Path, seed: int, line: str) -> None:
    print(f"\nseed {seed} FAILED: {line}\n  again, with every event: ./dev sim --seed {seed}\n  its last events:")
    try:
        done = subprocess.run([program, "--seed", str(seed)], capture_output=True, text=True, errors="replace", timeout=SEED_HUNG_AFTER_SECONDS)
        print("\n".join("    " + text for text in (done.stdout + done.stderr).splitlines()[-40:]))
    except subprocess.TimeoutExpired:
        print("    (hung again)")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=pathlib.Path, required=True)
    arguments.add_argument("--seconds", type=float, default=360, help="start no new seed after this long")
    arguments.add_argument("--at-least", type=int, default=200, help="fewer seeds than this is a failure")
    arguments.add_argument("--fresh", action="store_true", help="seeds that nobody has tried")
    options = arguments.parse_args()
    base = secrets.token_hex(16) if options.fresh else commit()
    print(f"seeds of {base}", flush=True)

    first = [run(options.program, seed_number(base, 0)) for _ in range(2)]
    if first[0] != first[1]:
        print(f"the same seed gave two runs:\n  {first[0][2]}\n  {first[1][2]}")
        return 1

    until = time.monotonic() + options.seconds
    tried, failed = 0, []
    workers = os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running, index = set(), 0
        while running or time.monotonic() < until:
            while len(running) < workers and time.monotonic() < until:
                running.add(pool.submit(run, options.program, seed_number(base, index)))
                index += 1
            done, running = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for seed, passed, line in (future.result() for future in done):
                tried += 1
                print(f"{'ok    ' if passed else 'FAILED'} {seed:>10}  {line}", flush=True)
                if not passed:
                    failed.append((seed, line))
            if len(failed) >= 5:
                break
    for seed, line in failed[:3]:
        show_failure(options.program, seed, line)
    print(f"{tried} seeds, {len(failed)} failed")
    if tried < options.at_least and not failed:
        print(f"fewer than {options.at_least} seeds in {options.seconds:g} s")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
