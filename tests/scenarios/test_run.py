#!/usr/bin/env python3
"""Tests run.py on a stand-in for mien: a story that differs fails, one that agrees passes, --rewrite mends it, a server
is started, used and stopped, and one that dies is reported."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

run = pathlib.Path(__file__).resolve().parent / "run.py"
home = pathlib.Path(tempfile.mkdtemp(prefix="mien-scenario-test-"))
program = home / "mien"
program.write_text("""#!/bin/bash
case $1 in
  up) echo "start $*" >> "$HOME/starts"; echo "listening on http://127.0.0.1:4711"; [[ $* == *--die* ]] && exit 3
    trap 'exit 0' TERM; while :; do read -rt 1 <> <(:); done ;;
  when) echo "at 2026-11-22T09:53:01.250Z in $PWD" ;;
  server) echo "$MIEN_SERVER" ;;
  count) echo x >> n; [[ $(wc -l < n) -ge 3 ]] && echo "three times" ;;
  *) echo "unknown verb '$1'" >&2; exit 2 ;;
esac
""")
program.chmod(0o755)
story = home / "story.txt"
failures = []


def expect(what: str, text: str, code: int, *words: str, arguments=()):
    story.write_text(text)
    done = subprocess.run([sys.executable, run, "--program", program, *arguments, story], capture_output=True, text=True)
    output = done.stdout + done.stderr
    if done.returncode != code or any(word not in output for word in words):
        failures.append(f"{what}: exit {done.returncode} (expected {code}), wanted {words} in:\n{output}")


good = """A story.
# server

$ mien when
at <time> in <dir>

$ mien bogus
unknown verb 'bogus'
[exit 2]

$ mien server
http://127.0.0.1:<port>

$ eventually mien count
three times

$ cat <<END
> one
> two
> three
> END
one
...

$ mien when
<any> in <dir>
"""
expect("a story that agrees", good, 0, "ok: story.txt, 6 commands")
expect("another output", good.replace("unknown verb 'bogus'", "unknown word"), 1, "-unknown word", "+unknown verb 'bogus'", "DIFFERS")
expect("another exit code", good.replace("[exit 2]", "[exit 1]"), 1, "+[exit 2]")
expect("a missing line", "Title\n\n$ echo one; echo two\none\n", 1, "+two")
expect("a server that dies", "Title\n# server --die\n\n$ echo one\none\n", 1, "mien up exited with 3")
expect("rewriting", "Title\n\n$ mien bogus\nanything\n", 0, "rewritten", arguments=["--rewrite"])
if "[exit 2]" not in story.read_text() or "anything" in story.read_text():
    failures.append(f"rewriting left:\n{story.read_text()}")
expect("after rewriting", story.read_text(), 0, "ok")

expect("a server that is killed and started again", """Title
# server --first

$ server kill

$ server start --second

$ sed 's/.*4711//; s/.*127.0.0.1:0//' starts
 --first
 --second

$ server stop

$ echo $MIEN_SERVER $MIEN_PORT
http://127.0.0.1:<port> 4711
""", 0, "ok: story.txt, 5 commands")
expect("a command that leaves something running", """Title

$ (while :; do read -rt 1 <> <(:); done) > /dev/null 2>&1 & echo $! > left

$ eventually eval '! kill -0 $(cat left) 2> /dev/null' > /dev/null
""", 0, "ok: story.txt, 2 commands")

shutil.rmtree(home)
print("\n".join(failures) or "the scenario driver does what it says")
sys.exit(1 if failures else 0)
