#!/usr/bin/env python3
"""Every verb of the host's hand on real cgroup version 2, without systemd: seen in what the service gets to do, and given
back exactly. A leak is held by memory.high and nothing is killed.

The hand is driven by itself (mien-hand), one call at a time, as the lease keeper calls it.
"""

from guest import Guest, Image
from harness import WORK, Scene, play
from hung import wait_until

HUNG = 100  # seconds
GROUP = "/sys/fs/cgroup/system.slice"
FORKS = "sh -c 'while :; do (sleep 1000 &) ; usleep 20000; done'"
LEAK = "sh -c 'head -c 100m /dev/zero | tail'"  # tail keeps what has no line end


class Service:
    """A service that misbehaves, and the hand on it."""

    def __init__(self, scene: Scene, guest: Guest, unit: str, command: str):
        self.scene, self.guest, self.unit, self.target = scene, guest, unit, f"{unit}@unit-01"
        guest.in_service(unit, command)

    def text(self, file: str) -> str:
        return self.guest.run(f"cat {GROUP}/{self.unit}/{file}").text.strip()

    def number(self, file: str, key: str) -> int:
        return next(int(line.split()[1]) for line in self.text(file).splitlines() if line.split()[0] == key)

    def hand(self, *words: str) -> str:
        line = " ".join(f"'{word}'" for word in words)
        return self.guest.run(f"mien-hand unit-01 {line}").text.rstrip("\n")

    def apply(self, *order: str) -> list[list[str]]:
        lines = self.hand("apply", self.target, *order).split("\n")
        fields = [line.split("\t") for line in lines if line.count("\t") == 2]
        for key, _, after in fields:
            self.check(f"{key} reads as planned", self.hand("read", self.target, key) == after, after)
        return fields

    def give_back(self, fields: list[list[str]]):
        for key, before, _ in reversed(fields):
            self.hand("write", self.target, key, before)
            self.check(f"{key} is given back exactly", self.hand("read", self.target, key) == before, before)

    def check(self, what: str, truth, evidence=""):
        self.scene.check(f"{self.unit}: {what}", truth, evidence)


def a_hog(scene: Scene, guest: Guest):
    hog = Service(scene, guest, "hog.service", "hog")
    fields = hog.apply("limit", "cpu=20%")
    hog.check("cpu.max is the kernel's text", hog.text("cpu.max") == "20000 100000", hog.text("cpu.max"))
    wait_until(lambda: hog.number("cpu.stat", "nr_throttled") > 20, HUNG, "the hog is not held back")
    usage, periods = hog.number("cpu.stat", "usage_usec"), hog.number("cpu.stat", "nr_periods")
    wait_until(lambda: hog.number("cpu.stat", "nr_periods") >= periods + 20, HUNG, "no periods pass")
    had = hog.number("cpu.stat", "usage_usec") - usage
    share = had / (100000 * (hog.number("cpu.stat", "nr_periods") - periods))
    hog.check("it gets a fifth of a core, at most three times that", share < 0.6, f"{share:.2f}")
    hog.give_back(fields)
    for order in (["prioritize", "cpu_weight=20"], ["limit", "io=1MB/s"]):
        hog.give_back(hog.apply(*order))
    fields = hog.apply("lockdown", "level=freeze")
    wait_until(lambda: hog.number("cgroup.events", "frozen") == 1, HUNG, "the hog is not frozen")
    usage = hog.number("cpu.stat", "usage_usec")
    hog.check("frozen, it uses nothing", hog.number("cpu.stat", "usage_usec") == usage)
    hog.give_back(fields)
    wait_until(lambda: hog.number("cpu.stat", "usage_usec") > usage, HUNG, "the hog does not go on")


def a_fork_bomb(scene: Scene, guest: Guest):
    bomb = Service(scene, guest, "bomb.service", FORKS)
    fields = bomb.apply("limit", "pids=12")
    wait_until(lambda: bomb.number("pids.events", "max") > 0, HUNG, "no fork was refused")
    bomb.check("it has no more than it may", int(bomb.text("pids.current")) <= 12, bomb.text("pids.current"))
    guest.run(f"echo 1 >{GROUP}/bomb.service/cgroup.kill")
    wait_until(lambda: bomb.text("pids.current") == "0", HUNG, "the bomb does not end")
    bomb.give_back(fields)  # its directory is still there, and what was written must be found in it


def a_leak(scene: Scene, guest: Guest):
    leak = Service(scene, guest, "leak.service", LEAK)
    fields = leak.apply("limit", "memory=16MiB")
    leak.check("the hard limit is above the soft one", int(leak.text("memory.max")) > int(leak.text("memory.high")), [field[2] for field in fields])
    wait_until(lambda: leak.number("memory.events", "high") > 20, HUNG, "the leak is not held")
    leak.check("nothing was killed", leak.number("memory.events", "oom_kill") == 0, leak.text("memory.events").replace("\n", ", "))
    leak.give_back(fields)


def scene_hand(scene: Scene):
    image = Image.build(scene.program.parent / "mien-hand", WORK)
    scene.stack.callback(image.remove)
    scene.say("the guest is booting")
    guest = scene.stack.enter_context(Guest(image, scene.folder, "unit-01"))
    abilities = guest.run("mien-hand unit-01 abilities").text
    scene.check("every verb of a host works here", abilities.count("\tworks") == 4, abilities)
    a_hog(scene, guest)
    a_fork_bomb(scene, guest)
    a_leak(scene, guest)


if __name__ == "__main__":
    play(scene_hand)
