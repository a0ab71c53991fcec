#!/usr/bin/env python3
"""A leak is held by memory.high before the kernel kills anything; and what does not help is undone by proof of effect:
a step that touches the wrong thing, and one that feeds the hog, are taken back, the next is tried, and they fall in rank.
"""

from acting import ALLOW, HUNG, UNLIMITED, actions, await_action, changes, count_of, declare, field, policy, story_of, success
from harness import Scene, play
from hung import wait_until
from web_service import METRIC, SERVICE, start_services

LEAKER = "cache.service@web-01"
LEAK = "sh -c 'while :; do head -c 1m /dev/zero; usleep 250000; done | tail'"  # tail keeps what has no line end
MEMORY = "system.memory.usage"
PERSONA = """
apiVersion: mien.dev/v1
kind: Persona
metadata: {name: small-cache}
spec:
  extends: [linux-server]
  behavior:
    system.memory.usage: {distribution: normal, mean: 12MiB, stddev: 8MiB}
"""
HELD = 24 << 20
GUARDS = {"cooldown": "1s", "settle": "1s", "dwell": "1s", "repeats": 100, "budget": {"actions": 100, "per": "1h"}}


def a_leak(scene: Scene, manager, guest):
    policy(manager, "hold-leak", "enforce", [{"do": "limit", "with": {"memory": "24MiB"}, "lease": "10m"}], GUARDS,
           {"instances": [LEAKER], "metrics": [MEMORY]})
    leak = guest.in_service("cache.service", LEAK)
    held = await_action(manager, "the leak is not held", lambda action: action["policy"] == "hold-leak" and action["state"] == "applied")
    scene.check("a leak is met with memory.high, below a hard limit", int(field(guest, "cache.service", "memory.high")) == HELD
                and {change["key"] for change in held["changes"]} == {"memory.high", "memory.max"}, held["changes"])
    wait_until(lambda: count_of(guest, "cache.service", "memory.events", "high") > 20, HUNG, "memory.high is not met", every=0.3)
    proven = await_action(manager, "its effect is not judged", lambda action: action["id"] == held["id"] and action["effect"]["verdict"] != "pending")
    effect = proven["effect"]
    scene.check("held, the drift fell: it helped", effect["verdict"] == "helped", f"{effect['before']:.2f} -> {effect['after']:.2f}")
    events = field(guest, "cache.service", "memory.events").replace("\n", ", ")
    scene.check("the kernel killed nothing", count_of(guest, "cache.service", "memory.events", "oom_kill") == 0, events)
    use, swap = (int(field(guest, "cache.service", file)) for file in ("memory.current", "memory.swap.current"))
    scene.check("it leaks on, into what it may have", use < HELD * 1.2 and guest.run(f"kill -0 {leak}", expect=None).code == 0,
                f"{use >> 20} MiB of memory, {swap >> 20} MiB of swap")
    guest.run("echo 1 >/sys/fs/cgroup/system.slice/cache.service/cgroup.kill")
    manager.mien("revert", held["id"])
    await_action(manager, "it is not taken back", lambda action: action["id"] == held["id"] and action["state"] == "reverted")
    scene.check("taken back, there is no limit", field(guest, "cache.service", "memory.high") == "max" and field(guest, "cache.service", "memory.max") == "max")


def judged(manager, step: int, verdicts: tuple[str, ...], after: int = 0) -> dict:
    return await_action(manager, f"step {step} is not judged", lambda action: action["policy"] == "three-tries" and action["step"] == step
                        and action["effect"]["verdict"] in verdicts and number_of(action) > after)


def number_of(action: dict) -> int:
    return int(action["id"].split("-")[1])


def what_does_not_help(scene: Scene, manager, guest):
    ladder = [{"do": "limit", "with": {"pids": 300}, "lease": "10m"},  # has nothing to do with it
              {"do": "prioritize", "with": {"cpu_weight": 10000}, "lease": "10m"},  # feeds it
              {"do": "limit", "with": {"cpu": "15%"}, "lease": "10m"}]
    policy(manager, "three-tries", "enforce", ladder, GUARDS)
    guest.in_service("batch.service", "hog")  # not looked at; with it the hog gets half of the processor, until it is fed
    hog = guest.in_service("web.service", "hog")
    for step, file, before in ((0, "pids.max", "max"), (1, "cpu.weight", "100")):
        useless = judged(manager, step, ("no_effect", "worse"))
        ended = await_action(manager, f"step {step} is not taken back", lambda action: action["id"] == useless["id"] and action["state"] == "reverted")
        effect = ended["effect"]
        scene.check(f"step {step + 1}, {ended['summary']}: {effect['verdict']}", ended["end_reason"] == effect["verdict"]
                    and story_of(manager, ended) == ["ordered", "applied", effect["verdict"], "reverting", "reverted"],
                    f"{effect['before']:.2f} -> {effect['after']:.2f}; {story_of(manager, ended)}")
        scene.check(f"taken back, {file} is as before", field(guest, "web.service", file) == before, field(guest, "web.service", file))
    helped = judged(manager, 2, ("helped",))
    scene.check("the third step helped, and stays", helped["state"] == "applied" and field(guest, "web.service", "cpu.max") == "15000 100000",
                f"{helped['effect']['before']:.2f} -> {helped['effect']['after']:.2f}")
    ranks = success(manager, "three-tries")
    counted = {step: (rank["trials"], rank["successes"]) for step, rank in ranks.items()}
    scene.check("what did not help fell in rank", counted == {0: (1, 0), 1: (1, 0), 2: (1, 1)}, ranks)
    table = manager.mien("get", "actions").out
    scene.check("`actions` shows how often each step helped", "how often each step helped" in table, table)
    next_time(scene, manager, guest, hog, number_of(helped))


def next_time(scene: Scene, manager, guest, hog: int, last: int):
    guest.run(f"kill -9 {hog}")
    finding = lambda: [f for f in manager.findings(SERVICE) if f["state"] != "resolved" and any(m["name"] == METRIC for m in f["metrics"])]
    wait_until(lambda: not finding(), HUNG, "the finding does not resolve", every=0.3)
    manager.mien("release", "--all", "-y")
    wait_until(lambda: field(guest, "web.service", "cpu.max") == UNLIMITED, HUNG, "it is not released", every=0.3)
    guest.in_service("web.service", "hog")
    again = await_action(manager, "nothing is done the next time", lambda action: action["policy"] == "three-tries" and number_of(action) > last
                         and action["state"] == "applied")
    scene.check("the next time the step that helped is tried first", again["step"] == 2, again["summary"])
    manager.mien("hold")
    manager.mien("release", "--all", "-y")
    wait_until(lambda: not actions(manager, state="open"), HUNG, "not everything is released", every=0.3)
    scene.check("in the end the machine has nothing of ours", not changes(guest))


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest("web-01")
    guest.run("dd if=/dev/zero of=/disk/swap bs=1M count=160 2>/dev/null; mkswap /disk/swap; swapon /disk/swap")
    start_services(guest)
    guest.in_service("cache.service", "steady 20")
    scene.join(manager, guest, allow=ALLOW)
    scene.await_instance(manager, SERVICE)
    scene.await_instance(manager, LEAKER)
    declare(manager, SERVICE)
    declare(manager, LEAKER, persona=PERSONA, name="small-cache")
    scene.await_samples(manager, SERVICE, 8)
    a_leak(scene, manager, guest)
    what_does_not_help(scene, manager, guest)


if __name__ == "__main__":
    play(main)
