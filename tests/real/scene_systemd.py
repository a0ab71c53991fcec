#!/usr/bin/env python3
"""Where systemd is process 1, limits are unit properties: seen by systemctl and in effect, they survive a daemon-reload
and a restart of the service, and after they are given back nothing of ours is left.

The host's hand is driven by itself here (mien-hand), one call at a time, as the lease keeper calls it.
"""

from pathlib import Path

from harness import WORK, Scene, play
from hung import wait_until
from systemd_guest import SystemdImage

TARGET = "hog.service@unit-01"
GROUP = "/sys/fs/cgroup/system.slice/hog.service"
DROP_INS = "/run/systemd/system.control/hog.service.d"
HUNG = 100  # seconds

# What an order is, and for each property: what systemctl shows before and after, and the control group's file and text then.
ORDERS = [
    (["limit", "cpu=50%", "memory=64MiB", "pids=40", "io=1MB/s"], [
        ("CPUQuotaPerSecUSec", "infinity", "500ms", "cpu.max", "50000 100000"),
        ("MemoryHigh", "infinity", "67108864", "memory.high", "67108864"),
        ("MemoryMax", "infinity", "73822208", "memory.max", "73822208"),
        ("TasksMax", "300", "40", "pids.max", "40"),
        ("IOReadBandwidthMax", "", "/dev/vda 1000000", "io.max", "254:0 rbps=1000000 wbps=1000000 riops=max wiops=max"),
        ("IOWriteBandwidthMax", "", "/dev/vda 1000000", "io.max", "254:0 rbps=1000000 wbps=1000000 riops=max wiops=max"),
    ]),
    (["prioritize", "cpu_weight=20", "io_weight=20"], [
        ("CPUWeight", "[not set]", "20", "cpu.weight", "20"),
        ("IOWeight", "[not set]", "20", "", ""),
    ]),
    (["lockdown", "level=freeze"], [("FreezerState", "running", "frozen", "cgroup.freeze", "1")]),
]


class Hand:
    def __init__(self, guest):
        self.guest = guest

    def __call__(self, *words: str, expect: int | None = 0) -> str:
        line = " ".join(f"'{word}'" for word in words)
        return self.guest.run(f"mien-hand unit-01 {line}", expect=expect).text.rstrip("\n")

    def apply(self, verb: str, *arguments: str) -> list[list[str]]:
        lines = self("apply", TARGET, verb, *arguments).split("\n")
        return [line.split("\t") for line in lines if line.count("\t") == 2]

    def give_back(self, fields: list[list[str]]):
        for key, before, _ in reversed(fields):
            self("write", TARGET, key, before)


def shown(guest, name: str) -> str:
    return guest.run(f"systemctl show -p {name} --value hog.service").text.strip()


def file_text(guest, name: str) -> str:
    return guest.run(f"cat {GROUP}/{name}", expect=None).text.strip()


def in_force(scene: Scene, guest, hand: Hand, fields, properties, when: str):
    for key, _, value in fields:
        scene.check(f"{when}, {key} reads as planned", hand("read", TARGET, key) == value, value)
    for name, _, after, file, text in properties:
        scene.check(f"{when}, systemctl shows {name}", shown(guest, name) == after, shown(guest, name))
        if file:
            scene.check(f"{when}, the kernel has it in {file}", file_text(guest, file) == text, file_text(guest, file))


def each_order(scene: Scene, guest, hand: Hand):
    for order, properties in ORDERS:
        what = " ".join(order)
        files = {file: file_text(guest, file) for _, _, _, file, _ in properties if file}
        for name, before, *_ in properties:
            scene.check(f"before {what}, {name} is as the unit says", shown(guest, name) == before, shown(guest, name))
        fields = hand.apply(*order)
        scene.check(f"{what} is {len(properties)} properties", len(fields) == len(properties), fields)
        in_force(scene, guest, hand, fields, properties, "applied")
        guest.run("systemctl daemon-reload")
        in_force(scene, guest, hand, fields, properties, "after a daemon-reload")
        hand.give_back(fields)
        for key, value, _ in fields:
            scene.check(f"given back, {key} is what it was", hand("read", TARGET, key) == value, value)
        for name, before, *_ in properties:
            scene.check(f"given back, systemctl shows {name} as before", shown(guest, name) == before, shown(guest, name))
        for file, text in files.items():
            if text:  # a file that came with the controller stays, with no limit in it
                wait_until(lambda: file_text(guest, file) == text, HUNG, f"{file} stays {file_text(guest, file)} instead of {text}")
        left = guest.run(f"ls {DROP_INS}", expect=None)
        scene.check(f"after {what}, no drop-in is left", left.code != 0, "" if left.code else left.text)


def a_restart(scene: Scene, guest, hand: Hand):
    fields = hand.apply("limit", "pids=40")
    identity = hand("identity", TARGET)
    guest.run("systemctl restart hog.service")
    scene.check("a restarted service is another run", hand("identity", TARGET) != identity, hand("identity", TARGET))
    scene.check("the limit holds over the restart", file_text(guest, "pids.max") == "40", file_text(guest, "pids.max"))
    guest.run("systemctl stop hog.service")
    scene.check("of a stopped service it is still read", hand("read", TARGET, fields[0][0]) == fields[0][2])
    hand.give_back(fields)
    guest.run("systemctl start hog.service")
    scene.check("given back while it was stopped, it is gone at the next start", file_text(guest, "pids.max") == "300", file_text(guest, "pids.max"))


def an_operators_hand(scene: Scene, guest, hand: Hand):
    guest.run("systemctl set-property --runtime hog.service CPUQuota=80%")
    fields = hand.apply("limit", "cpu=50%")
    scene.check("an operator's runtime property is seen as such", fields[0][1] == "800000 (runtime)", fields)
    hand.give_back(fields)
    stands = shown(guest, "CPUQuotaPerSecUSec"), file_text(guest, "cpu.max")
    scene.check("and stands again", stands == ("800ms", "80000 100000"), stands)
    guest.run(f"test -e {DROP_INS}/50-CPUQuota.conf && systemctl revert hog.service")


def a_unit_made_at_run_time(scene: Scene, guest, hand: Hand):
    """As container engines make them: systemd keeps their drop-ins elsewhere."""
    guest.run("systemd-run --unit=made.service -p CPUQuota=70% sh -c 'while :; do :; done'")
    target, key = "made.service@unit-01", "unit:CPUQuotaPerSecUSec"
    quota = "/sys/fs/cgroup/system.slice/made.service/cpu.max"
    wait_until(lambda: guest.run(f"cat {quota}", expect=None).text.strip() == "70000 100000", HUNG, "made.service does not start")
    hand("apply", target, "limit", "cpu=50%")
    scene.check("a unit made at run time is limited", guest.run(f"cat {quota}").text.strip() == "50000 100000", hand("read", target, key))
    hand("write", target, key, "700000")
    left = guest.run("ls /run/systemd/transient/made.service.d", expect=None)
    scene.check("and has its own limit back, without a drop-in", hand("read", target, key) == "700000" and left.code != 0, left.text.strip())
    wait_until(lambda: guest.run(f"cat {quota}").text.strip() == "70000 100000", HUNG, "the kernel keeps our limit")
    guest.run("systemctl stop made.service")


def refusals(scene: Scene, guest, hand: Hand):
    for words, expected in [
        (("plan", "unit-01", "limit", "cpu=50%"), "refused"),
        (("plan", "no-such.service@unit-01", "limit", "cpu=50%"), "not_found"),
        (("plan", "channel.service@unit-01", "lockdown", "level=freeze"), "refused"),  # the hand itself runs in there
        (("write", TARGET, "cpu.max", "50000 100000"), "unsupported"),
        (("plan", TARGET, "limit", "memory=lots"), "invalid"),
    ]:
        said = hand(*words, expect=1)
        scene.check(f"{' '.join(words)} is refused as {expected}", said.startswith(expected), said)


def scene_systemd(scene: Scene):
    image = SystemdImage.build([scene.program, scene.program.parent / "mien-hand"], WORK)
    scene.stack.callback(image.remove)
    scene.say("the guest is booting")
    guest = scene.stack.enter_context(image.guest(scene.folder, "unit-01"))
    scene.say(f"the guest is up: {guest.run('systemctl --version | head -1').text.strip()}")
    wait_until(lambda: shown(guest, "ActiveState") == "active", HUNG, "the hog does not start")
    hand = Hand(guest)
    abilities = hand("abilities")
    scene.check("every verb of a host works here", abilities.count("\tworks") == 4, abilities)
    each_order(scene, guest, hand)
    a_restart(scene, guest, hand)
    an_operators_hand(scene, guest, hand)
    a_unit_made_at_run_time(scene, guest, hand)
    refusals(scene, guest, hand)
    doctor = guest.run("mien doctor", expect=None).text
    scene.check("the doctor says that services are systemd's", "process 1 is systemd" in doctor)


if __name__ == "__main__":
    play(scene_systemd)
