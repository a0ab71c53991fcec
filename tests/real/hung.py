"""Waiting for the product, never for the clock: a deadline only says "hung" and is ten times what is expected."""

import time


class Hung(AssertionError):
    pass


def wait_until(condition, deadline: float, what: str, every: float = 0.05):
    """The first true value of `condition()`."""
    until = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise Hung(f"after {deadline:g} s: {what}")
        time.sleep(every)
