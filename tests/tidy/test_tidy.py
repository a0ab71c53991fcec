#!/usr/bin/env python3
"""Tests tools/tidy/tidy.py: tests/tidy/good passes; each tests/tidy/bad/RULE fails by exactly that rule, once for each
of its spoilt files; and no rule is without a bad tree."""
import pathlib
import re
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
tidy = here.parents[1] / "tools/tidy/tidy.py"


def run(root: pathlib.Path):
    done = subprocess.run([sys.executable, tidy, "--root", root], capture_output=True, text=True)
    return done.returncode, re.findall(r"^(\S+?):\d+: (\w+): ", done.stdout, re.M), done.stdout + done.stderr


failures = []
code, problems, output = run(here / "good")
if code != 0 or problems:
    failures.append(f"the good tree fails:\n{output}")

rules = set(re.findall(r"^def rule_(\w+)", tidy.read_text(), re.M))
trees = {path.name: path for path in (here / "bad").iterdir()}
for rule in sorted(rules ^ set(trees)):
    failures.append(f"{rule}: a rule without a bad tree, or a bad tree without a rule")
for rule, tree in sorted(trees.items()):
    code, problems, output = run(tree)
    spoilt = {path.relative_to(tree).as_posix() for path in tree.rglob("*.cc")}
    if code != 1 or {name for _, name in problems} != {rule}:
        failures.append(f"{rule}: expected failures of this rule only, got:\n{output}")
    for missed in sorted(spoilt - {path for path, _ in problems}):
        failures.append(f"{rule}: {missed} was not found")

print("\n".join(failures) or f"tidy finds what it should: {len(rules)} rules")
sys.exit(1 if failures else 0)
