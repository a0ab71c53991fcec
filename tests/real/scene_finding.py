#!/usr/bin/env python3
"""A hog in one service of a guest is found within five samples, and everything about it can be asked and proved.

The agent runs in the guest, the manager on this host on an address that is not loopback, TLS between them. A persona
declares what the service's processor use is. Then: a finding that names service and metric, `explain` and `why` back to
the samples, and an audit in which a changed byte and a cut tail are found.
"""

import contextlib
import json
import shutil
import sqlite3
import time

from harness import Scene, play
from web_service import METRIC, SERVICE, await_hog_finding, declare, seconds, start_services


def find_the_hog(scene: Scene, manager, guest) -> dict:
    scene.await_samples(manager, SERVICE, 15)
    scene.check("a steady service raises nothing", not manager.findings(SERVICE))
    began = time.time()
    hog = guest.in_service("web.service", "hog")
    found = await_hog_finding(manager)
    scene.check("the hog is one finding", len(found) == 1, [f["id"] for f in found])
    finding = found[0]
    scene.check("it names the instance and the metric first", finding["instance"] == SERVICE and finding["metrics"][0]["name"] == METRIC,
                f'{finding["instance"]} {finding["metrics"][0]["name"]}: {finding["summary"]}')
    opened = seconds(finding["opened_at"])
    points = manager.points(SERVICE, METRIC, began - 5)
    full = next(at for at, value in points if at > began - 2 and value > 0.85)
    judged = [at for at, _ in points if full <= at <= opened + 0.0005]
    scene.check("it opens within five samples of the first full second of the hog", 1 <= len(judged) <= 5,
                f"{len(judged)} samples; {[(round(at - began, 2), round(value, 2)) for at, value in points[-12:]]}")
    guest.run(f"kill -9 {hog}")
    return finding


def ask_about(scene: Scene, manager, finding: dict):
    text = manager.mien("explain", finding["id"]).out
    scene.check("`explain` says what was observed and expected", SERVICE in text and METRIC in text and "expected" in text)
    walk = manager.mien("-o", "json", "explain", finding["id"]).json()["walk"]
    steps = [step["step"] for step in walk]
    scene.check("it walks from the finding to the samples", steps[0] == "finding" and "deviation" in steps and steps[-1] == "samples", steps)
    samples = [point for series in walk[-1]["series"] if series["metric"] == METRIC for point in series["samples"]]
    opened = seconds(finding["opened_at"])
    scene.check("the samples before and at the opening are there", any(seconds(at) < opened - 5 for at, _ in samples)
                and any(abs(seconds(at) - opened) < 0.002 and value > 0.85 for at, value in samples), f"{len(samples)} samples")
    why = manager.mien("-o", "json", "why", SERVICE).json()
    scene.check("`why` names the finding and why nothing was done", finding["id"] in json.dumps(why["reasons"]) or finding["id"] in json.dumps(why["audit"]))
    events = [event for event in why["audit"] if event["verb"] == "finding.opened" and finding["id"] in event["subject"]]
    scene.check("the record has its opening once, with its cause in the log", len(events) == 1 and events[0]["cause"].startswith("log/"), events)


# ---- the audit ----


def spoiled(scene: Scene, manager, name: str, spoil):
    """A copy of the data directory with its ledger changed behind Mien's back."""
    copy = scene.folder / name
    shutil.copytree(manager.data, copy)
    with contextlib.closing(sqlite3.connect(copy / "ledger.sqlite")) as ledger, ledger:
        spoil(ledger)
    return copy


def flip_a_bit(ledger, row: int):
    (content,) = ledger.execute("SELECT bytes FROM audit WHERE sequence = ?", (row,)).fetchone()
    content = bytes(content)
    ledger.execute("UPDATE audit SET bytes = ? WHERE sequence = ?", (content[:-1] + bytes([content[-1] ^ 1]), row))


def verify(scene: Scene, name: str, copy) -> tuple[int, str]:
    other = scene.manager(name, address="127.0.0.1", data=copy)
    ended = other.mien("audit", "--verify", expect=None)
    other.stop()
    return ended.code, (ended.out + ended.err).strip()


def prove(scene: Scene, manager):
    ended = manager.mien("audit", "--verify")
    scene.check("`audit --verify` passes", ended.code == 0 and "whole" in ended.out, ended.out.strip())
    manager.stop()
    with contextlib.closing(sqlite3.connect(manager.data / "ledger.sqlite")) as ledger:
        (last,) = ledger.execute("SELECT max(sequence) FROM audit").fetchone()
        (head,) = ledger.execute("SELECT sequence FROM audit_head").fetchone()
    code, text = verify(scene, "untouched", spoiled(scene, manager, "untouched", lambda ledger: None))
    scene.check("an untouched copy passes", code == 0, text)
    row = max(1, last // 2)
    code, text = verify(scene, "changed", spoiled(scene, manager, "changed", lambda ledger: flip_a_bit(ledger, row)))
    scene.check("one changed byte is found and named", code == 1 and f"row {row}" in text, text)
    cut = spoiled(scene, manager, "cut", lambda ledger: ledger.execute("DELETE FROM audit WHERE sequence > ?", (last - 2,)))
    code, text = verify(scene, "cut", cut)
    # A manager started on the rest writes rows where the lost ones stood, so the newest of them may be the one that is named.
    named = any(f"row {row}:" in text for row in (last - 1, last))
    scene.check("a cut tail is found and named", code == 1 and named, f"{last} rows, signed at {head}: {text}")


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest("web-01")
    start_services(guest)
    scene.join(manager, guest)
    scene.await_instance(manager, SERVICE)
    declare(manager)
    finding = find_the_hog(scene, manager, guest)
    ask_about(scene, manager, finding)
    prove(scene, manager)


if __name__ == "__main__":
    play(main)
