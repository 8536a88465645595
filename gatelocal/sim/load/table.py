"""Counts what came of a load: a row for each policy, on all processors, and the table that people read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from typing import Any

from gatelocal.sim.load.file import Load
from gatelocal.sim.load.play import Case, Outcome, play

_HEAD = ("areas", "flakes", "policy", "p50 (h)", "p90 (h)", "p99 (h)", "builds", "node-hours", "landed")
_CURVE = 101


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one part of a load under one policy, over all seeds. Times in hours, from approval to landing.

    :ivar builds: per landed change, with all that were for nothing. :ivar node_hours: the same of these.
    :ivar landed: how many changes did, :ivar unlanded: how many good ones did not before the play was stopped.
    :ivar curve: the percentiles from 0 to 100.
    """

    areas: int
    flake: float
    policy: str
    p50: float
    p90: float
    p99: float
    builds: float
    node_hours: float
    landed: int
    unlanded: int
    curve: tuple[float, ...]


def rows(wanted: Load) -> list[Row]:
    """A row for each number of areas, flake rate and policy, in this order; played on all processors."""
    parts = list(product(wanted.areas, wanted.flakes, wanted.policies))
    cases = [Case(*part, seed) for part in parts for seed in range(wanted.seeds)]
    outcomes = dict(zip(cases, _played(wanted, cases), strict=True))
    return [_row(part, [outcomes[Case(*part, seed)] for seed in range(wanted.seeds)]) for part in parts]


def _played(wanted: Load, cases: Sequence[Case]) -> list[Outcome]:
    workers = min(os.cpu_count() or 1, len(cases))
    if workers == 1:
        return [play(wanted, case) for case in cases]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(partial(play, wanted), cases))


def _row(part: tuple[int, float, str], plays: Sequence[Outcome]) -> Row:
    waits = sorted(wait for one in plays for wait in one.waits)
    curve = tuple(round(quantile(waits, at / (_CURVE - 1)), 3) for at in range(_CURVE))
    landed = max(1, len(waits))
    builds = sum(one.builds for one in plays) / landed
    hours = sum(one.node_hours for one in plays) / landed
    unlanded = sum(one.unlanded for one in plays)
    return Row(*part, curve[50], curve[90], curve[99], builds, hours, len(waits), unlanded, curve)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the ascending values lies; between two, what lies between them."""
    if not values:
        return 0.0
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def as_values(wanted: Load, found: Sequence[Row]) -> Mapping[str, Any]:
    """All that is known, for ``--json``."""
    return {"load": wanted.name, "seeds": wanted.seeds, "rows": [asdict(row) for row in found]}


def as_table(found: Sequence[Row]) -> Iterator[str]:
    """The lines that people read; their rules make them a table of reStructuredText."""
    cells = [_HEAD, *(_cells(row) for row in found)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(_HEAD))]
    rule = "  ".join("=" * width for width in widths)
    lines = [_aligned(line, widths) for line in cells]
    yield from (rule, lines[0], rule, *lines[1:], rule)


def _cells(row: Row) -> tuple[str, ...]:
    times = (f"{hours:.1f}" for hours in (row.p50, row.p90, row.p99))
    landed = f"{row.landed} (+{row.unlanded} not)" if row.unlanded else str(row.landed)
    return (
        str(row.areas),
        f"{row.flake * 100:g} %",
        row.policy,
        *times,
        f"{row.builds:.1f}",
        f"{row.node_hours:.1f}",
        landed,
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """The cells of a line: words to the left, figures to the right."""
    placed = [
        cell.ljust(w) if at == _HEAD.index("policy") else cell.rjust(w)
        for at, (cell, w) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(placed).rstrip()
