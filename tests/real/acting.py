"""What the scenes of acting share: hogs in services of a guest whose machine allows verbs, policies, actions as the API
tells them, and what really stands in the guest's control groups.
"""

import json

from hung import wait_until
from web_service import METRIC, PERSONA, SERVICE

ALLOW = "limit,prioritize,lockdown"
HUNG = 200  # seconds
GROUP = "/sys/fs/cgroup/system.slice"
UNLIMITED = "max 100000"


def policy(manager, name: str, mode: str, ladder: list[dict], guards: dict, match: dict | None = None):
    """Writes a policy about the processor use of the service, unless `match` says otherwise."""
    match = match or {"instances": [SERVICE], "metrics": [METRIC]}
    document = {"apiVersion": "mien.dev/v1", "kind": "Policy", "metadata": {"name": name},
                "spec": {"match": match, "mode": mode, "ladder": ladder, "guards": guards}}
    manager.mien("apply", "-f", "-", stdin=json.dumps(document))


def declare(manager, *instances: str, persona: str = PERSONA, name: str = "small-web"):
    manager.mien("apply", "-f", "-", stdin=persona)
    for instance in instances:
        manager.mien("activate", name, "--instance", instance)


# ---- the machine ----


def field(guest, unit: str, file: str) -> str:
    return guest.run(f"cat {GROUP}/{unit}/{file}").text.strip()


def write_field(guest, unit: str, file: str, value: str):
    guest.run(f"echo '{value}' >{GROUP}/{unit}/{file}")


def count_of(guest, unit: str, file: str, key: str) -> int:
    return next(int(line.split()[1]) for line in field(guest, unit, file).splitlines() if line.split()[0] == key)


def changes(guest) -> list[dict]:
    """What the machine itself says differs because of Mien; no server is asked."""
    return json.loads(guest.run("mien -o json doctor --changes").text)["items"]


# ---- the manager ----


def actions(manager, **query) -> list[dict]:
    return manager.get("/api/v1/actions", limit=5000, **query)["items"]


def success(manager, name: str) -> dict[int, dict]:
    """How often each step of a policy helped, by its place in the ladder."""
    return {rank["step"]: rank for rank in manager.get("/api/v1/actions")["success"] if rank["policy"] == name}


def await_action(manager, what: str, wanted, **query) -> dict:
    """The newest action for which `wanted` is true."""

    def found():
        return next((action for action in actions(manager, **query) if wanted(action)), None)

    try:
        return wait_until(found, HUNG, what, every=0.2)
    except AssertionError as error:
        told = [(a["id"], a["state"], a["end_reason"], a["effect"]["verdict"], a["summary"], a["note"]) for a in actions(manager)]
        decided = [(d["at"], d["outcome"], d["summary"]) for d in decisions(manager)][:5]
        raise AssertionError(f"{error}\nactions: {told}\ndecisions: {decided}") from error


def decisions(manager, **query) -> list[dict]:
    return manager.get("/api/v1/decisions", limit=1000, **query)["items"]


def audit(manager, subject: str | None = None) -> list[dict]:
    items, after = [], ""
    while True:
        page = manager.get("/api/v1/audit", limit=5000, **({"after": after} if after else {}))
        items += page["items"]
        after = page["next"]
        if not after:
            return [event for event in items if subject in (None, event["subject"])]


def story_of(manager, action: dict) -> list[str]:
    """Verbs of the record about an action, in order."""
    return [event["verb"].removeprefix("action.") for event in audit(manager, f"Action/{action['id']}")]
