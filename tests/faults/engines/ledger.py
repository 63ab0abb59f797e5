"""What was tried and survived, printed at the end of the run."""

from dataclasses import dataclass


@dataclass
class Fault:
    """One fault.

    Attributes:
        name: What was done.
        written: Objects that clients were told are stored.
        compared: Objects read back and compared afterwards.
        note: What else is worth knowing.
        is_survived: Whether everything held.
    """

    name: str
    written: int = 0
    compared: int = 0
    note: str = ""
    is_survived: bool = False


FAULTS: list[Fault] = []


def table() -> list[str]:
    """The lines of the table."""
    width = max((len(fault.name) for fault in FAULTS), default=5)
    lines = [f"{'fault':{width}}  survived   written  compared  notes"]
    for fault in FAULTS:
        survived = "yes" if fault.is_survived else "NO"
        lines.append(f"{fault.name:{width}}  {survived:8} {fault.written:9}  {fault.compared:8}  {fault.note}")
    return lines
