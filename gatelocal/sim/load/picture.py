"""Draws what came of a load as an SVG that stands alone: a line for each policy, hours upwards; it counts nothing.

With several flake rates the median over the rate, with a single one all percentiles. No script, no outside file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from gatelocal.model.text import plain
from gatelocal.sim.load.table import Row

_WIDTH, _HEIGHT = 820, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 220, 50, 60
_COLOURS = ("#1b6ca8", "#c0392b", "#1e8449", "#8e44ad", "#b9770e", "#34495e", "#d6336c", "#0b7285")
_DASHES = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Line:
    """One policy's line. :ivar points: (place on the lower axis, hours)."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the axes span. :ivar across: the lowest and the highest place. :ivar low: powers of ten, of hours."""

    across: tuple[float, float]
    low: float
    high: float

    def x(self, place: float) -> float:
        """Pixels from the left."""
        first, last = self.across
        return _LEFT + (place - first) / ((last - first) or 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, hours: float) -> float:
        """Pixels from the top; the scale is logarithmic."""
        share = (log10(max(hours, 10**self.low)) - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)


def drawn(title: str, rows: Sequence[Row]) -> str:
    """The picture's text."""
    flakes = sorted({row.flake for row in rows})
    lines = _medians(rows) if len(flakes) > 1 else _percentiles(rows)
    frame = _frame(lines)
    if len(flakes) > 1:
        ticks, below = [(flake * 100, f"{flake * 100:g}") for flake in flakes], "builds that fail by themselves (%)"
        what = "median time from approval to landing"
    else:
        ticks, below = [(float(at), str(at)) for at in range(0, 101, 10)], "share of the changes (%)"
        what = "time from approval to landing"
    parts = [*_heading(title, what), *_axes(frame, ticks, below), *_curves(frame, lines)]
    return "\n".join([*parts, "</svg>", ""])


def _medians(rows: Sequence[Row]) -> list[Line]:
    points: dict[str, list[tuple[float, float]]] = {}
    for row in sorted(rows, key=lambda row: row.flake):
        points.setdefault(_label(row, rows), []).append((row.flake * 100, row.p50))
    return [Line(label, tuple(found)) for label, found in points.items()]


def _percentiles(rows: Sequence[Row]) -> list[Line]:
    return [Line(_label(row, rows), tuple((float(at), hours) for at, hours in enumerate(row.curve))) for row in rows]


def _label(row: Row, rows: Sequence[Row]) -> str:
    several = len({one.areas for one in rows}) > 1
    areas = f", {row.areas} area{'s' if row.areas > 1 else ''}" if several else ""
    return plain(row.policy) + areas


def _frame(lines: Sequence[Line]) -> Frame:
    places = [place for line in lines for place, _ in line.points] or [0.0, 1.0]
    hours = [hours for line in lines for _, hours in line.points if hours > 0] or [1.0]
    low = floor(log10(min(hours)))
    return Frame((min(places), max(places)), low, max(ceil(log10(max(hours))), low + 1))


def _heading(title: str, what: str) -> Iterator[str]:
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" fill="#222">'
    yield f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>'
    yield _text(_LEFT, 22, plain(title), size=15)
    yield _text(_LEFT, 40, what)


def _axes(frame: Frame, ticks: Sequence[tuple[float, str]], below: str) -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for hours in _steps(frame):
        y = frame.y(hours)
        yield f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="#ddd"/>'
        yield _text(_LEFT - 8, y + 4, f"{hours:g}", anchor="end")
    for place, word in ticks:
        x = frame.x(place)
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="#222"/>'
        yield _text(x, bottom + 20, word, anchor="middle")
    yield f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#222"/>'
    yield _text((_LEFT + right) / 2, _HEIGHT - 16, below, anchor="middle")
    upwards = f'<g transform="translate(20 {(_TOP + bottom) / 2:.0f}) rotate(-90)">'
    yield upwards + _text(0, 0, "hours", anchor="middle") + "</g>"


def _steps(frame: Frame) -> Iterator[float]:
    """Round numbers of hours between the two ends: 1, 2, 5, 10 ..."""
    for power in range(int(frame.low), int(frame.high) + 1):
        for digit in (1, 2, 5):
            hours = float(digit * 10.0**power)
            if log10(hours) <= frame.high + 1e-9:
                yield hours


def _curves(frame: Frame, lines: Sequence[Line]) -> Iterator[str]:
    for at, line in enumerate(lines):
        style = f'fill="none" stroke="{_COLOURS[at % len(_COLOURS)]}" stroke-width="2"'
        dash = _DASHES[at // len(_COLOURS) % len(_DASHES)]
        style += f' stroke-dasharray="{dash}"' if dash else ""
        path = " ".join(f"{frame.x(place):.1f},{frame.y(hours):.1f}" for place, hours in line.points)
        y = _TOP + 10 + 18 * at
        yield f'<polyline points="{path}" {style}/>'
        yield f'<path d="M{_WIDTH - _RIGHT + 16} {y}h26" {style}/>'
        yield _text(_WIDTH - _RIGHT + 48, y + 4, line.label)


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}">{escape(words)}</text>'
