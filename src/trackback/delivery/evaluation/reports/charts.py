"""Charts as SVG: text that a page has within it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from math import floor, isfinite, log10

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 44
_ROW = 22
_LEGEND = 130
_COLOURS = ("#1f6feb", "#d1691e", "#2e8b57", "#8250df", "#b5377a", "#6e7781")

Points = Sequence[tuple[float, float]]


@dataclass
class Axes:
    """A plot area with scales; what is drawn goes into ``marks``."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str = ""
    y_label: str = ""
    height: int = HEIGHT
    left: int = _LEFT
    marks: list[str] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        inner = WIDTH - self.left - _RIGHT, self.height - _TOP - _BOTTOM
        return self.left + across * inner[0], _TOP + (1 - up) * inner[1]

    def line(self, points: Points, colour: str = _COLOURS[0], dashed: bool = False) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        self.marks.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>')

    def dots(self, points: Points, colour: str = _COLOURS[0], radius: float = 2.5, opacity: float = 0.5) -> None:
        for point in points:
            x, y = self.at(*point)
            self.marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}" opacity="{opacity}"/>')

    def bar(self, low: float, high: float, top: float, colour: str, opacity: float = 0.6) -> None:
        (left, above), (right, ground) = self.at(low, top), self.at(high, max(self.y[0], 0))
        self.marks.append(
            f'<rect x="{left:.1f}" y="{above:.1f}" width="{max(right - left - 1, 1):.1f}" '
            f'height="{max(ground - above, 0):.1f}" fill="{colour}" opacity="{opacity}"/>'
        )

    def text(self, x: float, y: float, said: str, anchor: str = "middle", size: int = 11) -> None:
        """At a place of the picture, in pixels."""
        self.marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(said)}</text>'
        )

    def svg(self, title: str, y_ticks: bool = True) -> str:
        """The picture, with ticks and labels."""
        frame = []
        ground = self.at(self.x[0], self.y[0])[1]
        for tick in ticks(*self.x):
            x, _ = self.at(tick, self.y[0])
            frame.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{ground:.1f}" class="grid"/>')
            frame.append(f'<text x="{x:.1f}" y="{ground + 15:.1f}" text-anchor="middle" font-size="10">{tick:g}</text>')
        for tick in ticks(*self.y) if y_ticks else ():
            _, y = self.at(self.x[0], tick)
            frame.append(f'<line x1="{self.left}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
            frame.append(f'<text x="{self.left - 6}" y="{y + 3:.1f}" text-anchor="end" font-size="10">{tick:g}</text>')
        middle = (self.left + WIDTH - _RIGHT) / 2
        self.text(middle, self.height - 8, self.x_label)
        label = (
            f'<text transform="translate(13 {(_TOP + ground) / 2:.1f}) rotate(-90)" text-anchor="middle" '
            f'font-size="11">{escape(self.y_label)}</text>'
        )
        inside = "".join([*frame, *self.marks, label if self.y_label else ""])
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(title, quote=True)}" '
            f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>{inside}</svg>'
        )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between two."""
    if not (isfinite(low) and isfinite(high)) or high <= low:
        return [low] if isfinite(low) else []
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough * 0.999)
    first = floor(low / step + 0.999999) * step
    return [round(first + place * step, 12) for place in range(int((high - first) / step + 1.000001))]


def curves(title: str, series: Sequence[tuple[str, Points]], x_label: str, y_label: str, diagonal: bool) -> str:
    """Lines between 0 and 1 both ways, one a series."""
    axes = Axes((0, 1), (0, 1), x_label, y_label)
    if diagonal:
        axes.line([(0, 0), (1, 1)], "#8c959f", dashed=True)
    for place, (name, points) in enumerate(series):
        colour = _COLOURS[place % len(_COLOURS)]
        axes.line(points, colour)
        if len(series) > 1:  # where no curve that is any good goes
            _legend(axes, place - len(series), name, colour, right=diagonal)
    return axes.svg(title)


def reliability(title: str, points: Sequence[tuple[float, float, float]]) -> str:
    """Dots of told probability and true share; the third number is their weight, which is their size."""
    axes = Axes((0, 1), (0, 1), "probability told", "share that is so")
    axes.line([(0, 0), (1, 1)], "#8c959f", dashed=True)
    most = max((weight for _, _, weight in points), default=1)
    axes.line([(x, y) for x, y, _ in points])
    for x, y, weight in points:
        axes.dots([(x, y)], radius=3 + 5 * (weight / most) ** 0.5, opacity=0.8)
    return axes.svg(title)


def histograms(title: str, edges: Sequence[float], series: Sequence[tuple[str, Sequence[float]]], x_label: str) -> str:
    """Shares of rows between edges, of each series."""
    top = max((max(shares, default=0) for _, shares in series), default=0) or 1
    axes = Axes((edges[0], edges[-1]), (0, top * 1.05), x_label, "share of rows")
    for place, (name, shares) in enumerate(series):
        colour = _COLOURS[place % len(_COLOURS)]
        for (low, high), share in zip(pairwise(edges), shares, strict=True):
            axes.bar(low, high, share, colour, 0.75 if len(series) == 1 else 0.5)
        if len(series) > 1:
            _legend(axes, place, name, colour, right=True)
    return axes.svg(title)


def scatter(title: str, points: Points, x_label: str, y_label: str) -> str:
    """Dots around the diagonal."""
    every = [value for point in points for value in point]
    low, high = min(every), max(every)
    axes = Axes((low, high or low + 1), (low, high or low + 1), x_label, y_label)
    axes.line([(low, low), (high, high)], "#8c959f", dashed=True)
    axes.dots(points)
    return axes.svg(title)


def intervals(title: str, rows: Sequence[tuple[str, float, float, float]], x_label: str, mark: float | None) -> str:
    """A value with its interval a row: name, value, low, high. ``mark``: where a line stands."""
    every = [value for _, *values in rows for value in values] + ([] if mark is None else [mark])
    low, high = min(every), max(every)
    margin = (high - low) * 0.05 or 0.01
    height = _TOP + _BOTTOM + _ROW * len(rows)
    axes = Axes((low - margin, high + margin), (0, len(rows)), x_label, height=height, left=170)
    if mark is not None:
        axes.line([(mark, 0), (mark, len(rows))], "#8c959f", dashed=True)
    for place, (name, value, least, most) in enumerate(rows):
        height_at = len(rows) - place - 0.5
        axes.line([(least, height_at), (most, height_at)])
        axes.dots([(value, height_at)], radius=4, opacity=1)
        axes.text(axes.left - 8, axes.at(value, height_at)[1] + 4, _short(name), "end")
    return axes.svg(title, y_ticks=False)


def _legend(axes: Axes, place: int, name: str, colour: str, *, right: bool) -> None:
    """A line of it: ``place`` from the top, or from the bottom, if it is less than 0."""
    x = WIDTH - _RIGHT - _LEGEND if right else axes.left + 8
    y = (_TOP + 12 if place >= 0 else axes.height - _BOTTOM + 8) + 14 * place
    axes.marks.append(f'<rect x="{x}" y="{y - 8}" width="9" height="9" fill="{colour}"/>')
    axes.text(x + 14, y, _short(name, 18), "start")


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
