#!/usr/bin/env python3
"""Tests check.py on a stand-in for mien and a recording of two minutes: what is expected passes, another episode or a lost
fault fails, --rewrite takes what came out, a program that fails or says something else is reported."""
import gzip
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
home = pathlib.Path(tempfile.mkdtemp(prefix="mien-recorded-test-"))
(home / "check.py").write_text((HERE / "check.py").read_text().replace("DAY = 86400", "DAY = 600"))
program = home / "mien"
failures = []

# Odd is what is above the threshold; an episode lasts as long.
MIEN = """#!{python}
import sys
from datetime import datetime, timezone
words = [word for word in sys.argv[2:] if word != "--explain"]
options = dict(zip(words[::2], words[1::2]))
out, is_open, count = open(options["--output"], "w"), False, 0
out.write("timestamp,score,alert,kind,metric\\n")
if "--state-out" in options: open(options["--state-out"], "w").close()
for line in open(options["--input"]).read().splitlines()[1:]:
    stamp, value = line.split(",")
    odd = float(value) > {threshold}
    out.write(f"{{stamp}},{{0.9 if odd else 0.1}},{{int(odd)}},none,load\\n")
    if odd != is_open and "--train-rows" not in options:
        is_open, count = odd, count + odd
        if odd: blamed = "system.memory.usage" if float(value) > 4 else "system.cpu.time"
        at = datetime.fromtimestamp(int(stamp), timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        if odd: print(f"{{at}} finding {{count}} opened: level: {{blamed}} rose to {{value}}", file=sys.stderr)
        else: print(f"{{at}} finding {{count}} closed: level, severity low, since {{at}}, score 0.9\\n  1. {{blamed}} = {{value}}", file=sys.stderr)
"""


def stand_in(threshold: float) -> None:
    program.write_text(MIEN.format(python=sys.executable, threshold=threshold))
    program.chmod(0o755)


def expect(what: str, code: int, *words: str, arguments=()) -> None:
    done = subprocess.run([sys.executable, home / "check.py", "--program", program, *arguments], capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode != code or any(word not in output for word in words):
        failures.append(f"{what}: exit {done.returncode} (expected {code}), wanted {words} in:\n{output}")


values = [1] * 60 + [5] * 20 + [1] * 80 + [2.5] + [1] * 19 + [3] * 10 + [1] * 10  # a leak; a jolt of the calm; a scan that is fainter
for name in ("hour.csv.gz", "service.csv.gz"):
    with gzip.open(home / name, "wt") as file:
        file.write("timestamp,load\n" + "".join(f"{1795000000 + at},{value}\n" for at, value in enumerate(values)))
(home / "phases.csv").write_text("phase,first_row,last_row\nidle,1,60\nleak,61,80\nidle,81,180\nscan,181,190\nidle,191,200\n")
FLOOR = """leak young 2\nleak whole 2\nleak apart 2\nleak service 2\nseen whole 2  # sums of two beginnings
scan young 0\nscan whole 0\nscan apart 0  # too faint
false whole 0\nfalse service 0\nfalse apart 0
"""
(home / "floor.txt").write_text(FLOOR)

of_two = ["--beginnings", "2"]
stand_in(4)
expect("nothing is expected yet", 1, "+     61    81  level", "episodes: DIFFER")
expect("--rewrite takes what came out", 0, "episodes: rewritten", arguments=["--rewrite"])
expect("what is expected passes", 0, "episodes: as expected")
expect("and keeps the floor", 0, "leak whole       2", "floor: kept", arguments=of_two)
stand_in(2.8)
expect("a new episode differs", 1, "+    181   191")
expect("and is better than the floor", 0, "scan whole is 2, the floor 0; floor.txt may be raised", arguments=of_two)
stand_in(6)
expect("a lost fault falls below the floor", 1, "leak whole is 0, the floor 2", "floor: BELOW", arguments=of_two)
stand_in(2)
expect("what opens in the calm is false", 1, "false whole is 2, the floor 0", "floor: BELOW", arguments=of_two)
stand_in(4)
(home / "floor.txt").write_text(FLOOR.replace("leak young 2\n", "") + "hog young 2\n")
expect("floor and figures name the same", 1, "leak young is not in floor.txt", "hog young is in floor.txt and nowhere else", arguments=of_two)
program.write_text("#!/bin/sh\necho no such option >&2\nexit 2\n")
expect("a program that fails is reported", 1, "exit 2", "no such option")
program.write_text("#!/bin/sh\nwhile [ $1 != --output ]; do shift; done\necho timestamp,score,alert,kind,metric > $2\necho what >&2\n")
expect("other words are reported", 1, "says what is not understood here", "what")

sys.path.insert(0, str(home))
sys.dont_write_bytecode = True
import check  # noqa: E402

recording = check.Recording("hour.csv.gz")
day = recording.day()
if len(day) != check.DAY or [int(stamp) for stamp, _ in day[-2:]] != [1794999998, 1794999999]:
    failures.append(f"the day has {len(day)} rows and ends with {day[-2:]}")
if recording.place(70) != "leak +9" or recording.place(85) != "calm after leak +4":
    failures.append(f"places: {recording.place(70)}, {recording.place(85)}")
young = {name: (0.0, "-") for name in ("calm", "leak", "scan")}
elsewhere = check.Episode(65, None, kind="level", severity="low", metric="system.cpu.time", summary="")
figures = check.figures_of(recording, young, {"whole": [elsewhere], "leak": [], "scan": [], "service": []})
if figures["leak whole"] != 0 or figures["false whole"] != 1:
    failures.append(f"an alert that blames what a leak does not move has not seen it: {figures}")

shutil.rmtree(home)
print("\n".join(failures) or "passed")
sys.exit(1 if failures else 0)
