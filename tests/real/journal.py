"""Reads an agent's journal of changes (docs/formats/journal.md) with nothing of Mien: a second opinion on what it did."""

from dataclasses import dataclass

MAGIC = b"MIENJRN1"
MARK = b"JRNE"
STAGES = ["begun", "applied", "reverting", "ended", "forgotten"]


@dataclass(frozen=True)
class Entry:
    stage: str
    action: str
    target: str
    at: int  # nanoseconds since 1970
    changes: tuple[tuple[str, str, str], ...]  # field, before, after


@dataclass
class Reader:
    data: bytes
    at: int = 0

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        value = self.number()
        return (value >> 1) ^ -(value & 1)

    def text(self) -> str:
        length = self.number()
        self.at += length
        return self.data[self.at - length:self.at].decode()


def read_entry(data: bytes) -> Entry:
    reader = Reader(data)
    stage = STAGES[reader.number()]
    action, _, target, _ = reader.text(), reader.number(), reader.text(), reader.number()  # version, verb
    for _ in range(reader.number()):  # arguments
        reader.text(), reader.text()
    reader.signed(), reader.signed(), reader.number(), reader.number()  # lease, valid_until, revert, reason
    reader.text(), reader.text(), reader.number()  # boot, identity, guarded
    at, _ = reader.signed(), reader.signed()  # expires_at
    changes = []
    for _ in range(reader.number()):
        key, before, after, _ = reader.text(), reader.text(), reader.text(), reader.text()
        changes.append((key, before, after))
    return Entry(stage, action, target, at, tuple(changes))


def read_journal(data: bytes) -> list[Entry]:
    """Every whole record, in the order of the file."""
    if data[:8] != MAGIC:
        raise ValueError(f"not a journal: {data[:8]!r}")
    entries, at = [], 8
    while at + 12 <= len(data):
        if data[at:at + 4] != MARK:
            raise ValueError(f"no record at byte {at}")
        length = int.from_bytes(data[at + 4:at + 8], "little")
        if at + 12 + length > len(data):
            break  # torn by the kill
        entries.append(read_entry(data[at + 12:at + 12 + length]))
        at += 12 + length
    return entries
