#!/usr/bin/env python3
"""Says whether the list WHOLE.json begins with all items of PART.json: begins_with.py WHOLE.json PART.json"""
import json
import sys

whole, part = (json.load(open(path, encoding="utf-8"))["items"] for path in sys.argv[1:])
if whole[: len(part)] != part:
    first = next((i for i in range(len(part)) if i >= len(whole) or whole[i] != part[i]))
    sys.exit(f"item {first} was {part[first]} and is {whole[first] if first < len(whole) else 'gone'}")
print("nothing is lost" if part else "there was nothing")
