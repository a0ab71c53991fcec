#!/usr/bin/env python3
"""Records a machine under mixed work: plays phases on it, writes down when each began and ended, and exports the hour.

record.py --program build/release/mien --folder FOLDER [--only PHASE,...] [--short]
record.py --server URL --folder FOLDER ...             a manager that runs already, and is left running

It starts `mien up` with a fresh store in FOLDER (or takes one that runs), plays PLAN, and leaves in FOLDER `times.csv`
(`phase,start,end`, seconds since 1970) and, by export.py, `hour.csv.gz` and `phases.csv`. What else the machine does
meanwhile is part of the mixture. The phases are real: they fill memory, processors and a disk for minutes, as this user,
and end by themselves or with this program. --short plays each for a tenth of its time, to try the script.
"""
import argparse
import contextlib
import ctypes
import errno
import hashlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20
LEAK_MIB = 1536       # what the leak has grown to at its end
WRITE_MIB = 256       # what the disk hog writes before each fsync
CONNECTS_AT_ONCE = 64
SCAN_PAUSE = 0.02     # seconds after each lot: a scanner waits for answers, it does not burn a core
FORKS_A_SECOND = 300
FORKS_ALIVE = 150

# What is compiled again and again: enough of the library to take some seconds.
SOURCE = """
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main() {
  std::map<std::string, std::vector<int>> all;
  for (int at = 0; at < 2000; ++at) all[std::to_string(at % 97)].push_back(at * 7919 % 1013);
  std::regex digits("([0-9]+)-([0-9]+)");
  long sum = 0;
  for (auto& [name, values] : all) {
    std::sort(values.begin(), values.end(), std::greater<>());
    if (std::regex_match(name + "-1", digits)) sum += values.front();
  }
  std::cout << sum << '\\n';
}
"""


def idle(until: float) -> None:
    while (left := until - time.time()) > 0:
        time.sleep(min(left, 1))


def quiet(command, until: float, **options) -> None:
    """One run of a command, killed with all it started when the time is over."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True, **options)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, until - time.time()))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def build(until: float) -> None:
    """A small build again and again, politely."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "main.cc")
        source.write_text(SOURCE)
        while time.time() < until:
            quiet(["nice", "g++", "-std=c++20", "-O2", source, "-o", pathlib.Path(folder, "main")], until)


def tests(until: float) -> None:
    """The tests of two programs of this repository: many short processes, small files, some of the processor."""
    while time.time() < until:
        for program in ("tests/scenarios/test_run.py", "tests/tidy/test_tidy.py"):
            quiet(["nice", sys.executable, program], until, cwd=ROOT)


def leak(until: float) -> None:
    """Grows steadily, never gives back, and ends."""
    began, kept = time.time(), []
    while (now := time.time()) < until:
        wanted = LEAK_MIB * (now - began) / (until - began)
        while len(kept) < wanted:
            kept.append(bytearray(os.urandom(4096)) * 256)  # every page touched
        time.sleep(0.2)


def hog(until: float) -> None:
    """One core, as fast as it goes."""
    count = 0
    while time.time() < until:
        for _ in range(100000):
            count += 1


def miner(until: float) -> None:
    """Hashes on two cores, steadily."""
    other = os.fork()
    work = os.urandom(MIB)
    while time.time() < until:
        work = hashlib.sha256(work).digest() * (len(work) // 32)
    if other == 0:
        os._exit(0)
    os.waitpid(other, 0)


def disk(until: float) -> None:
    """Writes and syncs a file of its own, without a pause."""
    with tempfile.NamedTemporaryFile(dir=os.environ.get("TMPDIR", "/tmp")) as file:
        while time.time() < until:
            quiet(["dd", "if=/dev/zero", f"of={file.name}", "bs=1M", f"count={WRITE_MIB}", "conv=fsync"], until)


def scan(until: float) -> None:
    """Knocks at every port of this machine's loopback, over and over, with empty connections."""
    port = 0
    while time.time() < until:
        sockets = []
        for _ in range(CONNECTS_AT_ONCE):
            port = port % 65535 + 1
            knock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            knock.setblocking(False)
            if knock.connect_ex(("127.0.0.1", port)) == errno.EINPROGRESS:
                sockets.append(knock)
            else:
                knock.close()
        if sockets:
            select.select([], sockets, [], 0.05)
        time.sleep(SCAN_PAUSE)
        for knock in sockets:
            knock.close()


def forks(until: float) -> None:
    """Processes that do nothing and end, at a moderate rate, some of them alive at any time."""
    alive = []
    while time.time() < until:
        child = os.fork()
        if child == 0:
            time.sleep(FORKS_ALIVE / FORKS_A_SECOND)
            os._exit(0)
        alive.append(child)
        if len(alive) > FORKS_ALIVE:
            os.waitpid(alive.pop(0), 0)
        time.sleep(1 / FORKS_A_SECOND)
    for child in alive:
        os.waitpid(child, 0)


# What is played, in order, for how many seconds. What comes before the leak is ordinary life: a judge may learn from it.
PLAN = [
    (idle, 180), (build, 200), (idle, 60), (tests, 120), (idle, 100), (build, 120), (idle, 180),
    (leak, 150), (idle, 120), (hog, 180), (idle, 120), (miner, 240), (idle, 120), (disk, 120), (idle, 100),
    (scan, 70), (idle, 100), (forks, 60), (idle, 40),
]


def play(phase, until: float) -> None:
    """In a process of its own, so that what it took is given back when it ends."""
    child = os.fork()
    if child == 0:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with this program
        try:
            phase(until)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def manager(program: pathlib.Path, folder: pathlib.Path):
    """`mien up` with a fresh store; its URL when it is ready."""
    process = subprocess.Popen([program, "up", "--data", folder / "data", "--listen", "127.0.0.1:0"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=open(folder / "up.log", "w"), text=True)
    for line in process.stdout:
        for word in line.split():
            if word.startswith("http://"):
                return process, word.rstrip("/")
    sys.exit(f"{program} up did not start: see {folder / 'up.log'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, help="the built `mien`")
    parser.add_argument("--server", help="URL of one that runs already; it is left running")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="a new folder for store and times")
    parser.add_argument("--service", help="the service in which this runs, as `mien get instances` names it: exported too")
    parser.add_argument("--only", default="", help="these phases alone")
    parser.add_argument("--short", action="store_true", help="a tenth of the time")
    chosen = parser.parse_args()
    if (chosen.program is None) == (chosen.server is None):
        parser.error("say either --program or --server")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    process, server = (None, chosen.server) if chosen.server else manager(chosen.program.resolve(), chosen.folder)
    print(f"recording at {server}", flush=True)
    only = set(filter(None, chosen.only.split(",")))
    with open(chosen.folder / "times.csv", "w") as out:
        out.write("phase,start,end\n")
        for phase, seconds in PLAN:
            if only and phase.__name__ not in only:
                continue
            start = time.time()
            print(f"{time.strftime('%H:%M:%S', time.gmtime(start))} {phase.__name__}", flush=True)
            play(phase, start + (seconds / 10 if chosen.short else seconds))
            out.write(f"{phase.__name__},{start:.0f},{time.time():.0f}\n")
            out.flush()
    subprocess.run([sys.executable, ROOT / "tests/recorded/export.py", "--server", server, "--times", chosen.folder / "times.csv",
                    "--folder", chosen.folder, *(["--service", chosen.service] if chosen.service else [])], check=True)
    if process:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
