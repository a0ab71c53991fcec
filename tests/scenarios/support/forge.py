#!/usr/bin/env python3
"""Changes a decision in a ledger as somebody would who knows the format: the checksum fits what stands there now."""

import sqlite3
import sys

TABLE = []
for n in range(256):
    for _ in range(8):
        n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


ledger = sqlite3.connect(sys.argv[1])
key, stored, checksum = ledger.execute("SELECT key, bytes, sum FROM decision ORDER BY key LIMIT 1").fetchone()
assert crc32c(key.encode() + stored) == checksum
forged = stored.replace(b"observe", b"enforce")
assert forged != stored
ledger.execute("UPDATE decision SET bytes = ?, sum = ? WHERE key = ?", (forged, crc32c(key.encode() + forged), key))
ledger.commit()
print("forged", key[:2])
