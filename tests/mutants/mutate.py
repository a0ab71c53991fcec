#!/usr/bin/env python3
"""mutate.py ROOT OUT MUTANT.txt...: writes the mutated copies of all sources that the mutants name to OUT/, same paths.

Several mutants of one file end up in one copy. Prints nothing when all went well. See README.md for a mutant's format.
"""
import pathlib
import re
import sys


def read_mutant(path: pathlib.Path) -> dict:
    """Keys in lower case; continuation lines are indented."""
    mutant = {"name": path.stem}
    key = None
    for line in path.read_text().splitlines():
        match = re.match(r"([a-z]+):\s*(.*)", line)
        if match:
            key = match.group(1)
            mutant[key] = match.group(2)
        elif key and line.strip():
            mutant[key] += "\n" + line.strip()
    missing = {"what", "in", "find", "make", "caught"} - mutant.keys()
    if missing:
        sys.exit(f"{path}: without {', '.join(sorted(missing))}")
    if "MUTANT" not in mutant["make"]:
        sys.exit(f"{path}: `make` does not ask MUTANT")
    return mutant


def apply(source: str, mutant: dict, path: pathlib.Path) -> str:
    pattern = r"\s*".join(re.escape(word) for word in mutant["find"].split())
    found = list(re.finditer(pattern, source))
    if len(found) != 1:
        sys.exit(f"{path}: `find` is {len(found)} times in {mutant['in']}, and must be there once")
    made = mutant["make"].replace("MUTANT", f'::mien::mutants::is("{mutant["name"]}")')
    return source[:found[0].start()] + made + source[found[0].end():]


def main() -> None:
    root, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    copies = {}
    for path in map(pathlib.Path, sys.argv[3:]):
        mutant = read_mutant(path)
        place = mutant["in"]
        copies[place] = apply(copies.get(place) or (root / place).read_text(), mutant, path)
    for place, text in copies.items():
        copy = out / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = f'#include "tests/mutants/mutant.h"\n#line 1 "{place}"\n{text}'
        if not copy.exists() or copy.read_text() != text:
            copy.write_text(text)


main()
