#!/usr/bin/env python3
"""Prints a CSV of two metrics by the minute: 3300 rows of ordinary life, with an hour of a busy cpu from row 3100."""

state = 12345


def chance() -> float:
    global state
    state = (1103515245 * state + 12345) % 2**31
    return state / 2**31


print("timestamp,cpu,memory")
for row in range(3300):
    cpu = 0.3 + 0.05 * chance() + (0.6 if 3100 <= row < 3160 else 0)
    print(f"{1763800000 + 60 * row},{cpu:.4f},{0.5 + 0.03 * chance():.4f}")
