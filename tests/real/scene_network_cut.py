#!/usr/bin/env python3
"""The network of a guest is cut for more than two minutes, and plugged in again.

The agent goes on collecting and spools. Afterwards everything arrives, in order, once; and what it tells of a hog that
came and went while nobody could see is for the record only: evidence older than two minutes does not notify.
"""

import json
import ssl
import threading
import time
import urllib.request

from harness import Scene, play
from hung import wait_until
from web_service import METRIC, SERVICE, declare, seconds, start_services

CUT = 136  # seconds: the hog's seconds have to be older than two minutes when they arrive
HOST = "web-01"


class Follower:
    """Reads /events from now on: in which order what was judged, and which findings were told of."""

    def __init__(self, manager):
        self.events: list[dict] = []
        token = manager.token_file.read_text().strip()
        request = urllib.request.Request(manager.url + "/events", headers={"Authorization": f"Bearer {token}"})
        self.answer = urllib.request.urlopen(request, timeout=600, context=ssl.create_default_context(cafile=str(manager.ca)))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.answer:
                if line.startswith(b"data:"):
                    self.events.append(json.loads(line[5:]))
        except (OSError, ValueError):
            pass  # the manager ended

    def of(self, kind: str) -> list[dict]:
        return [event["data"] for event in list(self.events) if event["type"] == f"dev.mien.{kind}"]


def main(scene: Scene):
    manager = scene.manager()
    guest = scene.guest(HOST)
    start_services(guest)
    scene.join(manager, guest)
    scene.await_instance(manager, SERVICE)
    declare(manager)
    scene.await_samples(manager, SERVICE, 10)
    scene.check("nothing is found before", not manager.findings(SERVICE))

    scene.say(f"the guest's clock is off by {guest.clock_offset():.1f} s")
    guest.plug(False)
    cut = time.time()
    scene.say(f"the network is cut for {CUT} s; a hog runs in its first eight")
    hog = guest.in_service("web.service", "hog")
    time.sleep(8)
    guest.run(f"kill -9 {hog}")
    arrived = manager.counters()["mien_samples_total"]
    time.sleep(40)
    spooled = guest.run("ls -l /var/lib/mien-agent/spool", expect=None).text
    scene.check("the agent spools", ".spool" in spooled, spooled.strip())
    since = manager.counters()["mien_samples_total"] - arrived
    newest = manager.points(HOST, METRIC, cut - 9)[-1][0] - cut
    scene.check("nothing arrives while it is cut", since == 0, f"{since:g} samples; the newest is {newest:+.1f} s from the cut")
    follower = Follower(manager)
    time.sleep(max(0.0, cut + CUT - time.time()))  # this is the scene: two real minutes
    guest.plug(True)
    back = time.time()
    scene.say("the network is back")
    wait_until(lambda: manager.points(HOST, METRIC, time.time() - 4), 300, "nothing new arrives after the cut", every=0.3)
    scene.say(f"caught up {time.time() - back:.1f} s after it came back")
    scene.await_samples(manager, SERVICE, 5)

    for name in (HOST, SERVICE):
        times = [t for t, _ in manager.points(name, METRIC, cut - 10)]
        gaps = [b - a for a, b in zip(times, times[1:])]
        scene.check(f"{name}: the two minutes are whole", times[0] < cut and gaps and max(gaps) < 2.6, f"{len(times)} samples, longest step {max(gaps):.2f} s")
        scene.check(f"{name}: times ascend, none twice", min(gaps) > 0)
        judged = [seconds(drift["at"]) for drift in follower.of("drift") if drift["instance"] == name]
        inside = [at for at in judged if cut < at < back]
        scene.check(f"{name}: the spool was judged in order", inside and all(b > a for a, b in zip(judged, judged[1:])), f"{len(inside)} batches of the cut")
    counters = manager.counters()
    late = counters["mien_samples_late_total"]
    scene.check("old samples were taken in, as late", late > 0, f"{late:g} late of {counters['mien_samples_total']:g}")
    scene.check("none was counted twice", counters["mien_samples_duplicate_total"] == 0,
                f"{counters['mien_frames_duplicate_total']:g} frames came twice and were dropped")

    found = [f for f in manager.findings(SERVICE) if seconds(f["opened_at"]) < cut + 20]
    scene.check("the hog nobody could see is on record at most as late evidence", all(f["late"] for f in found),
                [(f["id"], f["late"], f["state"], f["summary"]) for f in found])
    told = [f for f in follower.of("finding.opened") if f["instance"] == SERVICE and not f["late"]]
    scene.check("nobody was told of it as of something new", not told, [f["summary"] for f in told])


if __name__ == "__main__":
    play(main)
