#!/usr/bin/env python3
"""`mien score` looks at no row that is still to come, and needs no more memory for a longer file.

score_prefixes.py --program build/dev/mien

1. Rows are written to its standard input one by one; the line of a row comes out before the next row goes in, and all
   lines together are those of the whole file.
2. The first k rows of the output are those of a file that has only the first k rows, byte for byte.
3. Cut anywhere and carried over by --state-out and --state-in, the bytes are the same, those of the last state too.
4. Interrupted, it leaves every file as it was and ends by the signal.
5. Fed through a pipe, plain and packed, with a picture wanted, its memory does not grow with the rows.
"""
import argparse
import gzip
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading

HUNG_AFTER_SECONDS = 300
HEADER = "timestamp,score,alert,kind,metric\n"


def made_rows(seed: int, count: int, columns: int) -> list:
    """Telemetry with a day's rhythm, gaps in time, missing cells, a frozen stretch, a step and a spike."""
    chance = random.Random(seed)
    rows, now, held = [], 1_767_225_600, None
    for i in range(count):
        now += 60 if chance.random() > 0.01 else chance.choice([61, 600, 7200])
        cells = []
        for column in range(columns):
            value = 20 + 10 * ((now % 86400) / 86400) + chance.gauss(0, 1)
            if column == 0 and count * 0.6 < i < count * 0.65:
                value += 40
            if column == 1 and count * 0.75 < i < count * 0.8:
                value = held = value if held is None else held
            if column == 2 and i == count * 9 // 10:
                value *= 50
            cells.append("" if chance.random() < 0.02 else f"{value:.4f}")
        rows.append(f"{now}," + ",".join(cells) + "\n")
    return rows


class Bench:
    def __init__(self, program: str, home: pathlib.Path):
        self.program, self.home = program, home

    def score(self, text: bytes, *options: str) -> str:
        done = subprocess.run([self.program, "score", "--input", "-", "--output", "-", *options], input=text,
                              stdout=subprocess.PIPE, timeout=HUNG_AFTER_SECONDS, check=True, cwd=self.home)
        return done.stdout.decode()

    def lines(self, header: str, rows: list, *options: str) -> str:
        out = self.score((header + "".join(rows)).encode(), *options)
        assert out.startswith(HEADER), out[:80]
        return out[len(HEADER):]


def check_prefixes(bench: Bench, header: str, rows: list, options: tuple) -> None:
    whole = bench.lines(header, rows, *options).splitlines(keepends=True)
    assert len(whole) == len(rows)
    for k in (0, 1, 2, 299, 300, 301, len(rows) * 6 // 10 + 3, len(rows) - 1):
        assert bench.lines(header, rows[:k], *options) == "".join(whole[:k]), f"the first {k} rows"


def check_cuts(bench: Bench, header: str, rows: list, options: tuple) -> None:
    whole = bench.lines(header, rows, "--state-out", "whole.state", *options)
    chance = random.Random(3)
    for cuts in ([1], [300], [len(rows) - 1], sorted(chance.sample(range(2, len(rows)), 4))):
        out, state = "", ()
        for begin, end in zip([0] + cuts, cuts + [len(rows)]):
            out += bench.lines(header, rows[begin:end], *state, "--state-out", "cut.state", *options)
            state = ("--state-in", "cut.state")
        assert out == whole, f"cut at {cuts}"
        assert (bench.home / "cut.state").read_bytes() == (bench.home / "whole.state").read_bytes(), f"state cut at {cuts}"


def check_stream(bench: Bench, header: str, rows: list) -> None:
    whole = bench.lines(header, rows)
    process = subprocess.Popen([bench.program, "score", "--input", "-", "--output", "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, bufsize=0)
    hung = threading.Timer(HUNG_AFTER_SECONDS, process.kill)
    hung.start()
    printed = process.stdout
    out = b""
    process.stdin.write(header.encode())
    for row in rows:
        process.stdin.write(row.encode())
        wanted = out.count(b"\n") + (2 if not out else 1)
        while out.count(b"\n") < wanted:
            piece = printed.read(65536)
            assert piece, "it ended before its input did"
            out += piece
    process.stdin.close()
    assert process.wait() == 0
    hung.cancel()
    assert out.decode() == HEADER + whole


def check_interruption(bench: Bench, header: str, rows: list) -> None:
    (bench.home / "kept").write_text("before")
    process = subprocess.Popen([bench.program, "score", "--input", "-", "--output", "kept", "--plot", "none.png",
                                "--state-out", "none.state"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=bench.home)
    hung = threading.Timer(HUNG_AFTER_SECONDS, process.kill)
    hung.start()
    process.stdin.write((header + "".join(rows)).encode())
    process.stdin.flush()
    while not (bench.home / "none.png.new").exists() and process.poll() is None:
        os.sched_yield()  # it has begun when its unfinished files are there
    process.send_signal(signal.SIGTERM)
    process.stdin.close()
    assert process.wait() == -signal.SIGTERM, process.returncode
    hung.cancel()
    assert process.stderr.read() == b"interrupted: no file was written\n"
    process.stderr.close()
    left = sorted(path.name for path in bench.home.iterdir() if path.suffix != ".state" or path.stem == "none")
    assert left == ["kept"] and (bench.home / "kept").read_text() == "before", left
    (bench.home / "kept").unlink()


def resident_kib(process: subprocess.Popen) -> int:
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("it is gone")


def check_memory(bench: Bench, packed: bool) -> None:
    """Between 50,000 rows and 250,000 its memory stays within 6 MiB: 30 bytes a row would be seen."""
    environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1:" + os.environ.get("ASAN_OPTIONS", ""))
    process = subprocess.Popen([bench.program, "score", "--input", "-", "--output", "lines", "--plot", "all.svg"],
                               stdin=subprocess.PIPE, env=environment, cwd=bench.home)
    hung = threading.Timer(HUNG_AFTER_SECONDS, process.kill)
    hung.start()
    sink = gzip.GzipFile(fileobj=process.stdin, mode="wb", compresslevel=1) if packed else process.stdin
    chance = random.Random(11)
    sink.write(b"timestamp,a,b\n")
    measured = {}
    for i in range(250_001):
        sink.write(f"{1_767_225_600 + i},{chance.gauss(10, 1):.3f},{chance.gauss(5, 2):.3f}\n".encode())
        if i in (50_000, 250_000):  # at most a pipe's worth of rows is not read yet
            measured[i] = resident_kib(process)
    sink.close()
    process.stdin.close()
    assert process.wait() == 0
    hung.cancel()
    grown = measured[250_000] - measured[50_000]
    print(f"memory {'packed' if packed else 'plain'}: {measured} KiB")
    assert grown < 6 * 1024, f"grew by {grown} KiB over 200,000 rows"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    program = str(pathlib.Path(parser.parse_args().program).resolve())
    with tempfile.TemporaryDirectory(prefix="mien-prefixes-") as home:
        bench = Bench(program, pathlib.Path(home))
        for columns, options in ((1, ()), (3, ("--train-rows", "300"))):
            header = "timestamp," + ",".join(f"m{i}" for i in range(columns)) + "\n"
            rows = made_rows(columns, 1500, columns)
            check_prefixes(bench, header, rows, options)
            check_cuts(bench, header, rows, options)
            check_stream(bench, header, rows[:400])
            check_interruption(bench, header, rows)
        check_memory(bench, packed=False)
        check_memory(bench, packed=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
