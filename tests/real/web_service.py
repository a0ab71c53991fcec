"""The cast of several scenes: a service with a small steady load, what its persona declares, and a hog in it."""

from datetime import datetime

from hung import wait_until

SERVICE = "web.service@web-01"
METRIC = "system.cpu.utilization"
PERSONA = """
apiVersion: mien.dev/v1
kind: Persona
metadata: {name: small-web}
spec:
  extends: [linux-server]
  behavior:
    system.cpu.utilization: {distribution: normal, mean: 0.10, stddev: 0.08}
"""


def start_services(guest):
    guest.in_service("web.service", "steady 200")
    guest.in_service("batch.service", "steady 100")


def declare(manager):
    manager.mien("apply", "-f", "-", stdin=PERSONA)
    manager.mien("activate", "small-web", "--instance", SERVICE)


def await_hog_finding(manager):
    def found():
        return [f for f in manager.findings(SERVICE) if any(m["name"] == METRIC for m in f["metrics"])]

    return wait_until(found, 120, f"no finding on {SERVICE} names {METRIC}", every=0.3)


def seconds(text: str) -> float:
    """RFC 3339 as seconds since 1970."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
