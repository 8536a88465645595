"""Plays the loads of doc/source/load.rst and puts their tables and the picture into the documentation.

Run: python benchmarks/load.py. Takes some minutes on two processors; the same seeds give the same tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A neighbour of this file has the name of a package that it needs.
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != HERE]

from gatelocal.sim.load.file import read  # noqa: E402
from gatelocal.sim.load.picture import drawn  # noqa: E402
from gatelocal.sim.load.table import Row, as_table, rows  # noqa: E402

PAGE = HERE.parent / "doc" / "source" / "load.rst"
PICTURE = PAGE.with_suffix(".svg")
LOADS = ("load", "load-areas")


def put(page: str, name: str, found: list[Row]) -> str:
    """The page with another table between the two comments that name it."""
    begin, end = f".. begin {name}\n", f".. end {name}\n"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    table = "\n".join(as_table(found))
    return f"{before}{begin}\n{table}\n\n{end}{after}"


def main() -> None:
    """Play all, write all."""
    for name in LOADS:
        wanted = read(HERE / f"{name}.yaml")
        found = rows(wanted)
        PAGE.write_text(put(PAGE.read_text(encoding="utf-8"), name, found), encoding="utf-8")
        if name == LOADS[0]:
            PICTURE.write_text(drawn(wanted.name, found), encoding="utf-8")


if __name__ == "__main__":
    main()
