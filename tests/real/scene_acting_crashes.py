#!/usr/bin/env python3
"""kill -9 of the manager at 25 random instants, of the agent at 25, and of both, while two policies act again and again:
no action is repeated, no budget is exceeded, no value is left without an owner, and the audit explains every change.

What the machine did is read from its journal (journal.py), kept after each kill, and held against what the manager
recorded. The seed is printed; SEED=n runs the same instants again.
"""

import base64
import json
import os
import random
import time
from collections import Counter, defaultdict

from acting import ALLOW, HUNG, actions, audit, await_action, changes, decisions, declare, field, policy
from harness import Scene, play
from hung import wait_until
from journal import read_journal
from web_service import METRIC, SERVICE, seconds, start_services

KILLS = 25
BOTH = 10
PEER = "batch.service@web-01"
OWN = {("web.service", "cpu.max"): "190000 200000", ("batch.service", "cgroup.freeze"): "0"}
PER = 20  # seconds
BUDGET = {"contain-hog": 2, "freeze-batch": 2}  # less than they would do
AGENT = "/sys/fs/cgroup/system.slice/mien-agent.service/cgroup.procs"
SAY = """
cat /sys/fs/cgroup/system.slice/web.service/cpu.max /sys/fs/cgroup/system.slice/batch.service/cgroup.freeze
mien -o json doctor --changes
"""


def guards(name: str) -> dict:
    return {"cooldown": "500ms", "settle": "60s", "dwell": "500ms", "repeats": 1000, "budget": {"actions": BUDGET[name], "per": f"{PER}s"}}


def write_policies(manager):
    # A step that an agent's death made fail is not tried again on the same finding, so there are many.
    limits = [{"do": "limit", "with": {"cpu": f"{share}%"}, "lease": "2s"} for share in range(50, 62)]
    freezes = [{"do": "lockdown", "with": {"level": "freeze"}, "lease": "2s"} for _ in range(12)]
    policy(manager, "contain-hog", "enforce", limits, guards("contain-hog"))
    policy(manager, "freeze-batch", "enforce", freezes, guards("freeze-batch"), {"instances": [PEER], "metrics": [METRIC]})


class Agent:
    """The agent in the guest: killed, looked at while it is dead, and started again."""

    def __init__(self, scene: Scene, guest, prng):
        self.scene, self.guest, self.prng = scene, guest, prng
        self.kept = 0
        self.owned = 0  # looks at a machine without an agent that saw values of ours
        self.orphans: list[str] = []
        self.guest.run("mkdir -p /disk/journals")

    def kill(self):
        spare = "grep -q guard /proc/$each/cmdline ||" if self.prng.random() < 0.5 else ""  # then the guard does its work
        # Kept before and after: the guard writes the file anew, with the newest record of each action only.
        self.guest.run(f"""
cp /var/lib/mien-agent/journal /disk/journals/{self.kept}
for each in $(cat {AGENT}); do {spare} kill -9 $each; done 2>/dev/null
until [ -z "$(cat {AGENT})" ]; do usleep 20000; done
cp /var/lib/mien-agent/journal /disk/journals/{self.kept + 1}""")
        self.kept += 2
        self.look()

    def look(self):
        """INVARIANT: every value that is not the operator's is one that `doctor --changes` names."""
        maximum, frozen, *told = self.guest.run(SAY).text.split("\n")
        listed = {(change["target"].split("@")[0], change["field"]): change["now"] for change in json.loads("\n".join(told))["items"]}
        stands = {("web.service", "cpu.max"): maximum, ("batch.service", "cgroup.freeze"): frozen}
        for place, value in stands.items():
            if value != OWN[place]:
                self.owned += 1
                if listed.get(place) != value:
                    self.orphans.append(f"{place} is {value}, listed: {listed}")

    def start(self):
        self.guest.run("sh /disk/boot")

    def journals(self) -> list[list]:
        self.guest.run(f"cp /var/lib/mien-agent/journal /disk/journals/{self.kept}")
        return [read_journal(base64.b64decode(self.guest.run(f"base64 -w 0 /disk/journals/{number}").text)) for number in range(self.kept + 1)]


def kill_the_manager(scene: Scene, manager, prng):
    for round_ in range(KILLS):
        time.sleep(prng.uniform(0, 2))
        manager.kill()
        if round_ % 5 == 4:  # once more while it recovers
            manager.spawn()
            time.sleep(prng.uniform(0, 0.3))
            manager.kill()
        manager.start()


def await_heard(scene: Scene, manager):
    """A new agent takes a while to begin: the random instants are of the time in which it works."""
    before = scene.instance(manager, "web-01")["status"]["samples"]
    wait_until(lambda: scene.instance(manager, "web-01")["status"]["samples"] > before, HUNG, "the agent is not heard of any more", every=0.1)


def kill_the_agent(scene: Scene, manager, agent: Agent, prng):
    for _ in range(KILLS):
        await_heard(scene, manager)
        time.sleep(prng.uniform(0, 3))
        agent.kill()
        agent.start()


def kill_both(scene: Scene, manager, agent: Agent, prng):
    for _ in range(BOTH):
        await_heard(scene, manager)
        time.sleep(prng.uniform(0, 3))
        first, second = (manager.kill, agent.kill) if prng.random() < 0.5 else (agent.kill, manager.kill)
        first()
        second()
        agent.start()
        time.sleep(prng.uniform(0, 0.5))
        manager.start()


# ---- what came of it ----


def told_by_the_machine(scene: Scene, agent: Agent) -> dict:
    begun, applied, what = defaultdict(set), defaultdict(set), {}
    for entries in agent.journals():
        for entry in entries:
            if entry.stage in ("begun", "applied"):
                what[entry.action] = entry
            if entry.stage == "begun":
                begun[entry.action].add(entry.at)
            if entry.stage == "applied":
                applied[entry.action].add(entry.at)
    twice = [action for action in begun if len(begun[action]) > 1 or len(applied[action]) > 1]
    scene.check("no action was begun or applied twice on the machine", begun and not twice, f"{len(begun)} begun, {len(applied)} whole; twice: {twice}")
    return what


def within_budget(scene: Scene, manager, done: list[dict]):
    refused = Counter(guard["policy"] for decision in decisions(manager) for guard in decision["guards"] if guard["guard"] == "budget" and not guard["allowed"])
    scene.check("budgets held them back", refused, dict(refused))
    for name, most in BUDGET.items():
        at = sorted(seconds(action["ordered_at"]) for action in done if action["policy"] == name)
        worst = max((sum(1 for other in at if when - PER < other <= when) for when in at), default=0)
        scene.check(f"{name}: never more than {most} in {PER} s", 0 < worst <= most, f"{len(at)} ordered, at most {worst} in {PER} s")


def explained(scene: Scene, manager, done: list[dict], what: dict):
    known = {action["id"]: action for action in done}
    scene.check("every action of the machine was ordered by the manager, and nothing else", set(what) <= set(known), sorted(set(what) - set(known)))
    stories = defaultdict(list)
    for event in audit(manager):
        if event["subject"].startswith("Action/"):
            stories[event["subject"].removeprefix("Action/")].append(event)
    wrong = []
    for id_, action in known.items():
        verbs = Counter(event["verb"].removeprefix("action.") for event in stories[id_])
        ends = sum(verbs[verb] for verb in ("reverted", "conflicted", "failed"))
        if verbs["ordered"] != 1 or ends != 1 or verbs["applied"] > 1 or not all(event["cause"] for event in stories[id_]):
            wrong.append((id_, action["state"], dict(verbs)))
    scene.check("in the record each was ordered once, applied at most once, ended once, and each row has its cause", not wrong, wrong[:5])
    differ = [(id_, entry.changes, known[id_]["changes"]) for id_, entry in what.items() if id_ in known and known[id_]["state"] != "failed"
              and [list(change) for change in entry.changes] != [[change["key"], change["before"], change["after"]] for change in known[id_]["changes"]]]
    scene.check("and says of each field what the machine's journal says", not differ, differ[:3])
    untold = [id_ for id_ in what if not any(event["actor"] == "agent web-01" for event in stories[id_])]
    scene.check("what the machine changed it told", not untold, untold)


def main(scene: Scene):
    seed = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
    scene.say(f"seed {seed}: SEED={seed} runs the same instants again")
    prng = random.Random(seed)
    manager = scene.manager()
    guest = scene.guest("web-01")
    start_services(guest)
    for (unit, file), value in OWN.items():
        guest.run(f"echo '{value}' >/sys/fs/cgroup/system.slice/{unit}/{file}")
    scene.join(manager, guest, allow=ALLOW)
    scene.await_instance(manager, SERVICE)
    scene.await_instance(manager, PEER)
    declare(manager, SERVICE, PEER)
    scene.await_samples(manager, SERVICE, 8)
    write_policies(manager)
    for unit in ("web.service", "batch.service"):
        guest.in_service(unit, "hog")
    for name in BUDGET:
        await_action(manager, f"{name} does nothing", lambda action, name=name: action["policy"] == name and action["state"] == "applied")

    agent = Agent(scene, guest, prng)
    for what, kills in (("manager", lambda: kill_the_manager(scene, manager, prng)), ("agent", lambda: kill_the_agent(scene, manager, agent, prng)),
                        ("both", lambda: kill_both(scene, manager, agent, prng))):
        before = len(actions(manager))
        kills()
        scene.await_samples(manager, SERVICE, 2)
        scene.check(f"kills of the {what}: it went on acting meanwhile", len(actions(manager)) > before, f"{len(actions(manager)) - before} actions")
    scene.check("no value was without an owner while there was no agent", agent.owned and not agent.orphans,
                f"{agent.owned} values of ours were seen; {agent.orphans[:3]}")

    manager.mien("hold")
    manager.mien("release", "--all", "-y")
    wait_until(lambda: not actions(manager, state="open"), HUNG, "not everything ends", every=0.3)
    stands = {place: field(guest, *place) for place in OWN}
    scene.check("in the end everything is exactly as it was, and the machine says so", stands == OWN and not changes(guest), (stands, changes(guest)))
    done = [action for action in actions(manager) if action["ordered_at"]]
    scene.say(f"{len(done)} actions: {dict(Counter(action['state'] + ' ' + action['end_reason'] for action in done))}")
    within_budget(scene, manager, done)
    explained(scene, manager, done, told_by_the_machine(scene, agent))
    ended = manager.mien("audit", "--verify", expect=None)
    scene.check("the audit is whole", ended.code == 0, (ended.out + ended.err).strip())


if __name__ == "__main__":
    play(main)
