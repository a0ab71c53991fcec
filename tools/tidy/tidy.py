#!/usr/bin/env python3
"""The rules of this tree that no compiler checks, as one test: tidy.py [--root DIR] [--write].

Each rule is a function that yields problems; a problem names the file, the line, the rule and what to do instead.
The rooms, who may include whom and which are pure come from tools/rooms.txt. tests/tidy/bad has one small tree per
rule that must fail by exactly that rule. --write brings the drawing in ARCHITECTURE.md up to date.
"""
import argparse
import pathlib
import re
import sys
from typing import Iterator, NamedTuple

MAX_FILE_LINES = 600
MAX_LINE_COLUMNS = 160  # of what clang-format does not wrap: scripts
MAX_README_LINES = 40


class Problem(NamedTuple):
    path: str
    line: int
    rule: str
    message: str


class Room(NamedTuple):
    name: str
    rooms: list
    libraries: list
    kind: str  # pure, throws or world


class Source:
    """A text file, with its C++ comments and strings blanked out in `code` (same lines, same columns)."""

    def __init__(self, root: pathlib.Path, path: pathlib.Path):
        self.path = path.relative_to(root).as_posix()
        self.text = path.read_text(encoding="utf-8", errors="replace")
        self.lines = self.text.splitlines()
        self.is_cpp = path.suffix in (".h", ".cc")
        self.is_header = path.suffix == ".h"
        self.is_test = path.name.endswith("_test.cc") or self.path.startswith("tests/")
        self.code = blank_comments_and_strings(self.text).splitlines() if self.is_cpp else []
        self.includes = []  # (line number, '<' or '"', name)
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line) if self.is_cpp else None
            if match:
                self.includes.append((number, match.group(1), match.group(2)))


def blank_comments_and_strings(text: str) -> str:
    pattern = re.compile(r'R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


class Tree:
    def __init__(self, root: pathlib.Path):
        self.root = root
        self.rooms = read_rooms(root / "tools/rooms.txt")
        kept = {".h", ".cc", ".py", ".sh", ".md", ".txt", ".cmake", ".yaml", ".service", ".json", ""}
        self.sources = []
        for top in ("src", "sim", "tests", "bench", "docs", "tools", "packaging", "personas", ".ci"):
            for path in sorted((root / top).rglob("*")):
                relative = path.relative_to(root).as_posix()
                if path.is_file() and path.suffix in kept and not re.match(r"tests/(tidy/bad|tidy/good|fuzz/corpus|compat/frozen)/", relative):
                    self.sources.append(Source(root, path))
        for path in sorted(root.glob("*.md")) + [root / "dev", root / "CMakeLists.txt"]:
            if path.is_file():
                self.sources.append(Source(root, path))

    def room_of(self, path: str):
        """The room that a file belongs to, or None."""
        parts = path.split("/")
        name = parts[1] if parts[0] == "src" and len(parts) > 2 else parts[0] if parts[0] == "sim" else None
        return self.rooms.get(name)


def read_rooms(path: pathlib.Path) -> dict:
    rooms = {}
    for line in path.read_text().splitlines():
        if re.match(r"[a-z]", line):
            name, may_use, libraries, kind = (part.strip() for part in line.split("|"))
            rooms[name] = Room(name, may_use.split(), libraries.split(), kind)
    return rooms


# ---- rules ----

MIDDLE_ROOMS = {"learn", "drift", "advise", "policy", "remedy", "store", "wire"}


def rule_rooms_in_order(tree: Tree) -> Iterator[Problem]:
    """rooms.txt itself has no cycle (a room uses only rooms above it), and the middle rooms keep apart."""
    seen = []
    for room in tree.rooms.values():
        for other in room.rooms:
            if other not in seen:
                yield Problem("tools/rooms.txt", 0, "rooms_in_order", f"{room.name} uses {other}, which is not above it")
            if room.name in MIDDLE_ROOMS and other in MIDDLE_ROOMS:
                yield Problem("tools/rooms.txt", 0, "rooms_in_order", f"the middle rooms {room.name} and {other} must not know each other")
        seen.append(room.name)


def rule_room_includes(tree: Tree) -> Iterator[Problem]:
    """A file includes only its own room and those that rooms.txt allows, by a path that starts with the room."""
    for source in tree.sources:
        room = tree.room_of(source.path)
        if not room:
            continue
        for line, mark, name in source.includes:
            first = name.split("/")[0]
            if mark == "<":
                if first in tree.rooms:
                    yield Problem(source.path, line, "room_includes", f'our own headers are included with quotes: "{name}"')
            elif first == "tests" and source.is_test:
                continue
            elif first not in tree.rooms or ".." in name.split("/"):
                yield Problem(source.path, line, "room_includes", f'"{name}" does not start with a room; write "{room.name}/..."')
            elif first != room.name and first not in room.rooms:
                allowed = " ".join(room.rooms) or "nothing but std"
                yield Problem(source.path, line, "room_includes", f"{room.name} may not use {first} (tools/rooms.txt allows: {allowed})")


def rule_detail_private(tree: Tree) -> Iterator[Problem]:
    """What stands under detail/ is included by its own room only."""
    for source in tree.sources:
        room = tree.room_of(source.path)
        for line, _, name in source.includes:
            parts = name.split("/")
            if "detail" in parts[:-1] and parts[0] in tree.rooms and not (room and room.name == parts[0]):
                yield Problem(source.path, line, "detail_private", f"{name} is private to {parts[0]}")


LIBRARY_HEADERS = {
    "boost": ["boost/"], "bpf": ["bpf/"], "cli11": ["CLI/"], "nlohmann": ["nlohmann/"], "openssl": ["openssl/"], "protozero": ["protozero/"],
    "eigen": ["eigen3/"], "seccomp": ["seccomp.h"], "simdjson": ["simdjson.h"], "sqlite": ["sqlite3.h"], "systemd": ["systemd/"], "yaml-cpp": ["yaml-cpp/"],
    "zlib": ["zlib.h"], "zstd": ["zstd"],
}


def rule_room_libraries(tree: Tree) -> Iterator[Problem]:
    """An outside library is included only in rooms for which rooms.txt names it."""
    for source in tree.sources:
        room = tree.room_of(source.path)
        if not room or source.is_test:
            continue
        for line, _, name in source.includes:
            for library, prefixes in LIBRARY_HEADERS.items():
                if any(name.startswith(prefix) for prefix in prefixes) and library not in room.libraries:
                    yield Problem(source.path, line, "room_libraries", f"{room.name} may not use {library} (tools/rooms.txt)")


PURE_FORBIDDEN_HEADERS = re.compile(
    r"(thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|latch|barrier|fstream|filesystem|iostream|random|"
    r"ctime|csignal|signal\.h|time\.h|pthread\.h|unistd\.h|fcntl\.h|poll\.h|netdb\.h|dirent\.h|spawn\.h|"
    r"(sys|net|netinet|arpa|linux)/.*)$")
PURE_FORBIDDEN_WORDS = [
    (r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock|file_clock|clock_gettime|gettimeofday)\b", "no clock here: take `now` as a parameter"),
    (r"(?<![\w.>:])(std::)?time\s*\(\s*(nullptr|NULL|0|&)|\bstd::clock\s*\(|\b(localtime|gmtime|mktime)(_r)?\s*\(", "no clock here: take `now` as a parameter"),
    (r"(?<![\w.>:])(std::)?s?rand\s*\(|\b(random_device|mt19937(_64)?|default_random_engine)\b", "no chance here: take a Prng&"),
    (r"\b(secure_)?getenv\s*\(|\bsetenv\s*\(", "no environment here: take it as a parameter"),
    (r"\bstd::(j?thread|mutex|shared_mutex|recursive_mutex|condition_variable|async|future|promise|lock_guard|unique_lock|scoped_lock)\b",
     "no threads here: they live in edge"),
    (r"\bthread_local\b", "no threads here: they live in edge"),
    (r"\b(std::)?(fopen|freopen|tmpfile|ifstream|ofstream|fstream)\b", "no files here: they live in edge"),
    (r"(?<![\w.>])::(open|openat|read|pread|write|pwrite|socket|connect|bind|listen|accept|recv|send|fork|execve?|kill|unlink|rename)\s*\(",
     "no system calls here: they live in edge"),
    (r"\bstd::(exp2?|expm1|log|log2|log10|log1p|pow|sinh?|cosh?|tanh?|asinh|acosh|atanh|atan2?|asin|acos|cbrt|hypot|erfc?|lgamma|tgamma)\s*\(",
     "libm's bits differ between machines: use mien::math (base/math.h)"),
]


def rule_pure_rooms(tree: Tree) -> Iterator[Problem]:
    """Rooms left of edge have no clock, thread, file, socket, chance or environment, in headers or words."""
    words = [(re.compile(pattern), message) for pattern, message in PURE_FORBIDDEN_WORDS]
    for source in tree.sources:
        room = tree.room_of(source.path)
        if not room or room.kind == "world" or source.is_test:
            continue
        for line, mark, name in source.includes:
            if mark == "<" and PURE_FORBIDDEN_HEADERS.match(name):
                yield Problem(source.path, line, "pure_rooms", f"<{name}> does not belong in {room.name}: what touches the outside lives in edge")
        for number, line in enumerate(source.code, 1):
            for pattern, message in words:
                match = pattern.search(line)
                if match:
                    yield Problem(source.path, number, "pure_rooms", f"'{match.group(0).strip()}': {message}")


def rule_no_throw(tree: Tree) -> Iterator[Problem]:
    """Nothing of ours throws; failures are Results. (In a room that catches what its libraries throw, a callback may have to.)"""
    for source in tree.sources:
        room = tree.room_of(source.path)
        if source.is_cpp and room and room.kind != "throws" and not source.is_test:
            for number, line in enumerate(source.code, 1):
                if re.search(r"\bthrow\b(?!\s*;)", line):
                    yield Problem(source.path, number, "no_throw", "return an Error instead (base/result.h)")


def rule_header_paragraph(tree: Tree) -> Iterator[Problem]:
    """A header opens with what it is for, and is included once."""
    for source in tree.sources:
        if source.is_header:
            if not source.lines or not re.match(r"// \S", source.lines[0]):
                yield Problem(source.path, 1, "header_paragraph", "a header opens with a comment paragraph that says what it is for")
            if "#pragma once" not in source.text:
                yield Problem(source.path, 1, "header_paragraph", "#pragma once is missing")


def rule_file_size(tree: Tree) -> Iterator[Problem]:
    """Files stay readable in one sitting."""
    for source in tree.sources:
        if source.path.endswith((".h", ".cc", ".py", ".sh", ".cmake")) or source.path == "dev":
            if len(source.lines) > MAX_FILE_LINES:
                yield Problem(source.path, len(source.lines), "file_size", f"{len(source.lines)} lines; split it (limit {MAX_FILE_LINES})")
            for number, line in enumerate(source.lines if not source.is_cpp else [], 1):
                if len(line) > MAX_LINE_COLUMNS:
                    yield Problem(source.path, number, "file_size", f"{len(line)} columns (limit {MAX_LINE_COLUMNS})")


def rule_no_leftovers(tree: Tree) -> Iterator[Problem]:
    """No unfinished thoughts, and nothing of the machine it was written on."""
    unfinished = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
    private = re.compile(r"(?<![\w.])/wo" r"rk/|/tmp/br" r"ief|\.\./sha" r"red/|/home/\w+/|/Users/\w+/")
    for source in tree.sources:
        for number, line in enumerate(source.lines, 1):
            if source.path.startswith("tests/tidy/") or source.path.startswith("tools/tidy/"):
                continue
            if unfinished.search(line):
                yield Problem(source.path, number, "no_leftovers", "unfinished: do it, or say in the docs that it is missing")
            if private.search(line):
                yield Problem(source.path, number, "no_leftovers", "a path of one machine does not belong here")


def rule_room_readme(tree: Tree) -> Iterator[Problem]:
    """Each room has a page that says where to start reading."""
    for room in tree.rooms.values():
        home = "sim" if room.name == "sim" else f"src/{room.name}"
        if not any(source.is_cpp and source.path.startswith(home + "/") for source in tree.sources):
            continue
        readme = next((source for source in tree.sources if source.path == f"{home}/README.md"), None)
        if not readme:
            yield Problem(f"{home}/README.md", 0, "room_readme", "the room has no README: purpose, door, invariants, where to start reading")
        elif len(readme.lines) > MAX_README_LINES:
            yield Problem(readme.path, len(readme.lines), "room_readme", f"{len(readme.lines)} lines (limit {MAX_README_LINES})")


def rule_format_pages(tree: Tree) -> Iterator[Problem]:
    """A page of docs/formats says version, length and checksum."""
    for source in tree.sources:
        if source.path.startswith("docs/formats/") and source.path.endswith(".md") and not source.path.endswith("README.md"):
            for word in ("version", "length", "checksum"):
                if word not in source.text.lower():
                    yield Problem(source.path, 1, "format_pages", f"the page does not say its {word}")


def rule_decisions_listed(tree: Tree) -> Iterator[Problem]:
    """Every decision of docs/adr is in its list."""
    listed = next((source.text for source in tree.sources if source.path == "docs/adr/README.md"), "")
    for source in tree.sources:
        match = re.match(r"docs/adr/(\d{4}-[\w-]+\.md)$", source.path)
        if match and f"({match.group(1)})" not in listed:
            yield Problem(source.path, 1, "decisions_listed", "not in docs/adr/README.md")


def rule_references(tree: Tree) -> Iterator[Problem]:
    """A page or file of ours that is named exists."""
    named = re.compile(r"(?<![\w/.-])((?:docs|src|sim|tests|bench|tools|packaging)/[\w./-]+\.(?:md|h|cc|py|sh|txt|cmake|service))\b")
    for source in tree.sources:
        if source.path.startswith(("tools/tidy/", "tests/tidy/")) or source.path == "CHANGELOG.md":
            continue
        for number, line in enumerate(source.lines, 1):
            for name in named.findall(line):
                if not (tree.root / name).exists() and "NNNN" not in name and "NAME" not in name:
                    yield Problem(source.path, number, "references", f"{name} is named here and does not exist")


def rule_tests_wait_for_events(tree: Tree) -> Iterator[Problem]:
    """A test waits for what it expects, never for time to pass."""
    sleeping = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(|(?<![\w.>:])(::)?sleep\s*\(")
    for source in tree.sources:
        if source.is_cpp and source.is_test and not source.path.startswith("tests/support/"):
            for number, line in enumerate(source.code, 1):
                if sleeping.search(line):
                    yield Problem(source.path, number, "tests_wait_for_events", "wait for the event instead (tests/support has polling with a deadline)")


def rule_scenes_play(tree: Tree) -> Iterator[Problem]:
    """A script that only defines its scene ends at once, and a test would call that passed."""
    for source in tree.sources:
        if re.search(r"/real/(scene|network)_\w+\.py$", source.path) and not re.search(r"^    play\(", source.text, re.M):
            yield Problem(source.path, 1, "scenes_play", 'end it with if __name__ == "__main__": play(main)')


DRAWING_BEGIN, DRAWING_END = "<!-- rooms: from tools/rooms.txt by tools/tidy/tidy.py --write -->", "<!-- /rooms -->"


def drawing_of(rooms: dict) -> str:
    """The rooms as a drawing: one line each, what it rests on, and how strict it is."""
    kinds = {"pure": "pure", "throws": "pure, catches its libraries", "world": "touches the world"}
    width = max(len(name) for name in rooms)
    lines = [f"{room.name:<{width}}  <- {' '.join(room.rooms) or 'std':<54}  {kinds[room.kind]}" for room in rooms.values()]
    return "\n".join([DRAWING_BEGIN, "```", *lines, "```", DRAWING_END])


def rule_drawing(tree: Tree) -> Iterator[Problem]:
    """The drawing in ARCHITECTURE.md is the one that rooms.txt gives."""
    page = next((source for source in tree.sources if source.path == "ARCHITECTURE.md"), None)
    if page and drawing_of(tree.rooms) not in page.text:
        yield Problem(page.path, 1, "drawing", "the drawing of the rooms is not that of tools/rooms.txt: tools/tidy/tidy.py --write")


RULES = [value for name, value in list(globals().items()) if name.startswith("rule_")]


def write_drawing(root: pathlib.Path) -> None:
    page = root / "ARCHITECTURE.md"
    text = page.read_text()
    begin, end = text.index(DRAWING_BEGIN), text.index(DRAWING_END) + len(DRAWING_END)
    page.write_text(text[:begin] + drawing_of(read_rooms(root / "tools/rooms.txt")) + text[end:])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    arguments.add_argument("--write", action="store_true", help="bring the drawing in ARCHITECTURE.md up to date")
    options = arguments.parse_args()
    if options.write:
        write_drawing(options.root)
    tree = Tree(options.root.resolve())
    problems = [problem for rule in RULES for problem in rule(tree)]
    for problem in problems:
        print(f"{problem.path}:{problem.line}: {problem.rule}: {problem.message}")
    print(f"tidy: {len(tree.sources)} files, {len(RULES)} rules, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
