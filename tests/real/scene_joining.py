#!/usr/bin/env python3
"""An agent joins with the line that `mien enroll` prints, as printed; whoever comes with anything else is refused and
told what to do. On loopback a write needs the token, and no foreign page may ask.
"""

import re
import socket
import ssl

from guest import HOST_LOOPBACK
from harness import Scene, play

ENOUGH = 30  # seconds that a refused agent gets before it is ended; it should end by itself


def refused(scene: Scene, guest, what: str, line: str, *words: str):
    """Somebody with a directory of his own runs a join line that must not work."""
    guest.write("/tmp/join", f"{line} --data /tmp/refused\n")
    answer = guest.run(f"rm -rf /tmp/refused; timeout {ENOUGH} sh /tmp/join", deadline=10 * ENOUGH, expect=None)
    said = all(word.lower() in answer.text.lower() for word in words)
    ended = answer.code not in (0, 124, 143)
    scene.check(f"{what} is refused, saying what to do", ended and said, f"exit {answer.code}: {answer.text.strip()[-500:]}")


def secret_of(line: str) -> str:
    return re.match(r"echo (\S+) \| mien agent ", line)[1]


def join_lines(scene: Scene, manager, guest):
    line = scene.join(manager, guest)
    scene.check("the line that `mien enroll` prints works as printed", True, line.replace(secret_of(line), "TOKEN"))
    scene.check("it names address and fingerprint", manager.url in line and "sha256:" in line)
    fresh = manager.mien("enroll", "--ttl", "10m").out.strip()
    digits = re.search(r"sha256:([0-9a-f]{64})", fresh)[1]
    other = ("0" if digits[0] != "0" else "1") + digits[1:]
    refused(scene, guest, "a wrong fingerprint", fresh.replace(digits, other), "authority", "mien enroll")
    refused(scene, guest, "a wrong token", fresh.replace(secret_of(fresh), "0" * len(secret_of(fresh))), "mien enroll")
    refused(scene, guest, "a token that was used", line, "mien enroll")
    refused(scene, guest, "plain HTTP to the TLS port", fresh.replace("https://", "http://"), "https")
    # An agent that has joined meets another manager in the place of its own: it says so and sends nothing.
    impostor = guest.run(f"cp -r /var/lib/mien-agent /tmp/joined; timeout 10 mien agent --manager {scene.stranger.url} --data /tmp/joined", expect=None)
    heard = scene.stranger.get("/api/v1/instances")["items"]
    scene.check("an agent that has joined believes no other authority", "certificate" in impostor.text and not heard, impostor.text.strip()[-400:])
    return fresh


def plain_and_tls(scene: Scene, manager, local, guest, line: str):
    here = local.url.replace("127.0.0.1", HOST_LOOPBACK).replace("http://", "https://")
    refused(scene, guest, "TLS to a plain port", line.replace(manager.url, here), "http")
    with socket.create_connection((manager.address, manager.port), timeout=20) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = plain.recv(4096).decode(errors="replace")
    scene.check("the TLS port answers plain HTTP with advice", "400" in answer and "https" in answer, answer.splitlines()[-1] if answer else "")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((local.address, local.port), timeout=20) as raw, context.wrap_socket(raw):
            spoke = True
    except (ssl.SSLError, ConnectionError, OSError):
        spoke = False
    scene.check("the plain port speaks no TLS", not spoke)


def strangers(scene: Scene, manager):
    for path in ("/api/v1/drift", "/metrics", "/api/v1/nothing-here"):
        reply = manager.ask("GET", path, token=None)
        scene.check(f"beyond loopback {path} needs a token", reply.status == 401 and "token" in reply.text, reply.text[-200:])
    wrong = manager.ask("GET", "/api/v1/drift", token="0" * 64)
    scene.check("and a token that is known", wrong.status == 401, wrong.text[-200:])
    other = scene.folder / "other-ca.pem"
    other.write_text(scene.stranger.ca.read_text())
    ended = scene.mien("--server", manager.url, "--token-file", manager.token_file, "--ca-file", other, "drift", expect=None)
    scene.check("the command line believes no other authority", ended.code not in (0, 1), f"exit {ended.code}: {ended.err.strip()}")


def loopback(scene: Scene, local):
    persona = {"apiVersion": "mien.dev/v1", "kind": "Persona", "metadata": {"name": "stranger"}, "spec": {}}
    path = "/api/v1/personas/stranger"
    reply = local.ask("PUT", path, persona, token=None)
    scene.check("on loopback a write without a token is refused", reply.status == 401 and "token" in reply.text, f"{reply.status} {reply.text[-200:]}")
    reply = local.ask("GET", "/api/v1/drift", token=None)
    scene.check("reading is open there", reply.status == 200)
    for token in ("local", None):
        reply = local.ask("PUT", path, persona, token=token, headers={"Origin": "https://evil.example"})
        scene.check("a foreign Origin is refused, with and without the token", reply.status == 403, f"{reply.status} {reply.text[-200:]}")
    reply = local.ask("GET", "/api/v1/drift", token=None, headers={"Host": "evil.example"})
    scene.check("so is a name that is not its own", reply.status == 421, f"{reply.status} {reply.text[-200:]}")
    reply = local.ask("GET", path)
    scene.check("nothing of it was written", reply.status == 404)
    reply = local.ask("PUT", path, persona)
    scene.check("with the token it is", reply.status in (200, 201), f"{reply.status} {reply.text[-200:]}")


def main(scene: Scene):
    manager = scene.manager()
    scene.stranger = scene.manager("stranger")  # another manager, with an authority of its own
    local = scene.manager("local", address="127.0.0.1")
    loopback(scene, local)
    strangers(scene, manager)
    guest = scene.guest("web-01")
    line = join_lines(scene, manager, guest)
    plain_and_tls(scene, manager, local, guest, line)


if __name__ == "__main__":
    play(main)
