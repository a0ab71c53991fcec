#!/usr/bin/env python3
"""Writes traces of a made-up server's calls: normal/00.txt .. normal/99.txt, good.txt, and bad.txt, which does what it never did."""
import pathlib

state = 12345


def chance() -> float:
    global state
    state = (1103515245 * state + 12345) % 2**31
    return state / 2**31


def trace(requests: int) -> list:
    calls = "execve brk mmap socket bind listen".split()
    for _ in range(requests):
        calls += ("accept read openat read write close" if chance() < 0.7 else "accept read write write close").split()
    return calls


def write(path: str, calls: list) -> None:
    pathlib.Path(path).write_text("\n".join(calls) + "\n", encoding="ascii")


pathlib.Path("normal").mkdir()
for number in range(100):
    write(f"normal/{number:02}.txt", trace(40 + int(40 * chance())))
write("good.txt", trace(60))
write("bad.txt", trace(30) + "accept read clone dup2 dup2 dup2 execve".split() + trace(20)[6:])
