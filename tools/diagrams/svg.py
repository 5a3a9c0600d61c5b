"""The few shapes that our diagrams are made of, as SVG text.

Colours follow the reader's own choice of light or dark; no font is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

STYLE = """\
svg{--paper:#fff;--ink:#1d2733;--soft:#5b6b7d;--line:#8494a7;--card:#eef3f9;--edge:#b9c7d8;--head:#d7e3f2}
@media (prefers-color-scheme:dark){svg{--paper:#1b2128;--ink:#e8edf3;--soft:#a9b6c4;--line:#7d8fa3;--card:#28323d;\
--edge:#455566;--head:#34465a}}
.paper{fill:var(--paper)}
.box{fill:var(--card);stroke:var(--edge)}
.head{fill:var(--head);stroke:var(--edge)}
.way{fill:none;stroke:var(--line);stroke-width:1.4}
.broken{stroke-dasharray:5 4}
.tip{fill:var(--line)}
text{font-family:ui-sans-serif,system-ui,sans-serif;font-size:13px;fill:var(--ink)}
.name{font-weight:600}
.soft{fill:var(--soft);font-size:11.5px}
.halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px}"""

Point = tuple[float, float]


def picture(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    """A whole drawing. `title` is what somebody hears who cannot see it."""
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>'
    )
    paper = f'<rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="6"/>'
    said = f"<title>{escape(title)}</title>"
    return "\n".join([head, said, f"<style>{STYLE}</style>", tip, paper, *parts, "</svg>"]) + "\n"


def box(x: float, y: float, width: float, height: float, kind: str = "box") -> str:
    """A rectangle by its upper left corner."""
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5"/>'


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> str:
    """A line of text by its base line."""
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{marked}>{escape(text)}</text>'


def way(points: Sequence[Point], *, broken: bool = False) -> str:
    """An arrow through points, from each to the next in a curve that leaves and comes in upright."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        path += f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
    return f'<path class="way{" broken" * broken}" marker-end="url(#tip)" d="{path}"/>'


def bow(start: Point, over: Point, end: Point) -> str:
    """An arrow that bows towards `over`."""
    (x, y), (mid_x, mid_y), (to_x, to_y) = start, over, end
    return (
        f'<path class="way" marker-end="url(#tip)" d="M{x:.1f} {y:.1f}Q{mid_x:.1f} {mid_y:.1f} {to_x:.1f} {to_y:.1f}"/>'
    )
