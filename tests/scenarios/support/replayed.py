#!/usr/bin/env python3
"""Says of each kind of line of a replay that it is there, and what the first of it holds."""

import json
import sys

SHOWN = {
    "replay": lambda line: {"exact": line["exact"], "rehearsed": line["rehearsed"], "policies": line["policies"]},
    "summary": lambda line: {"exact": line["exact"], "acted": line["acted"] > 0},
    "finding.opened": lambda line: line["finding"]["kind"],
    "decision.made": lambda line: line["decision"]["outcome"],
    "action.ordered": lambda line: line["action"]["summary"],
    "action.done": lambda line: line["action"]["verb"],
    "action.reverted": lambda line: line["action"]["end_reason"],
}

seen = set()
for text in open(sys.argv[1], encoding="utf-8"):
    line = json.loads(text)
    kind = line["type"]
    if kind in seen or kind not in SHOWN:
        continue
    seen.add(kind)
    after = " after a rehearsed action" if line.get("after_rehearsed_action") else ""
    print(f"{kind}: {json.dumps(SHOWN[kind](line))}{after}")
