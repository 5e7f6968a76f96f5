"""The page around the parts of a report: one file for a browser, without script and without network."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from legosigns_dagster.core.palette import page_colors
from legosigns_dagster.core.report.charts import CHART_STYLE
from legosigns_dagster.core.report.headline import BAR_STYLE

COLORS = f"""
:root {{ color-scheme: light dark; {page_colors()} }}
@media (prefers-color-scheme: dark) {{ :root {{ {page_colors(dark=True)} }} }}
@media print {{ :root {{ color-scheme: light; {page_colors()} }} }}
"""
SHARED_STYLE = """
* { box-sizing: border-box; }
html { scroll-behavior: smooth; } @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  max-width: 84rem; padding: 1rem clamp(.75rem, 3vw, 2rem); overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .5rem; } a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; } p { max-width: 75ch; }
"""
BASE_STYLE = f"{COLORS}{SHARED_STYLE}"  # of every page
# On a screen below 48 rem a metrics table is laid out as a list of small grids: its columns would not fit a phone.
PAGE_STYLE = """
.note, .change.same, .verdict.same, figcaption, small { color: var(--soft); }
small { font-size: .8em; font-weight: 400; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; list-style: none; margin: .75rem 0; padding: 0; }
nav a { display: inline-block; padding: .15rem 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; }
.card { background: var(--card); border-radius: 8px; border-left: 6px solid var(--open); padding: 1rem 1.25rem; }
.card.up { border-color: var(--good); } .card.down { border-color: var(--bad); } .card h3 { margin: 0; }
.card .verdict { display: block; font-size: 1.5rem; font-weight: 700; margin: 0; }
.card p { margin: .4rem 0; } .card svg { display: block; width: 100%; max-width: 30rem; height: auto; }
.up .verdict, .verdict.up, .change.up { color: var(--good); }
.down .verdict, .verdict.down, .change.down { color: var(--bad); } .card.same .verdict { color: var(--open); }
.caveat { border-left: 4px solid var(--bad); padding-left: .75rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th.text, td.text { text-align: left; } thead th { font-weight: 600; } td.text { overflow-wrap: anywhere; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
.metrics { width: 100%; } .metrics th, .metrics td { text-align: left; }
.change, .metrics td span, .metrics small, th small, td small { display: block; }
.metrics .verdict { font-weight: 600; }
.metrics .all > * { font-weight: 600; border-bottom-width: 2px; } .metrics .class > * { font-weight: 400; }
@media (max-width: 47.99rem) {
  .metrics, .metrics caption, .metrics tbody, .metrics th { display: block; }
  .metrics thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .metrics tr { display: grid; grid-template-columns: 1fr 1fr; border-bottom: 2px solid var(--line); padding: .5rem 0; }
  .metrics th[scope=row] { grid-column: 1 / -1; font-weight: 600; } .metrics th, .metrics td { border: 0; }
  .metrics td::before { content: attr(data-label); display: block; font-size: .8rem; color: var(--soft); }
}
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .5rem 2rem; }
.pair > * { min-width: 0; } .pair caption { padding-top: 0; } @media (max-width: 40rem) { th, td { padding: .3rem; } }
.confusion .none { color: var(--soft); } .many { font-size: .8rem; }
.many th, .many td { padding: .2rem; min-width: 1.4rem; white-space: nowrap; }
.many thead th + th { writing-mode: vertical-rl; text-align: left; }
.pair:has(.many) { grid-template-columns: repeat(auto-fit, minmax(min(100%, 34rem), 1fr)); }
.pair:has(.many) > :first-child { grid-column: 1 / -1; }
.confusion .right { background: color-mix(in srgb, var(--good) calc(var(--share) * .3), var(--page)); }
.confusion .wrong { background: color-mix(in srgb, var(--bad) calc(var(--share) * .3), var(--page)); }
td small { white-space: nowrap; } ol li { margin: .3rem 0; max-width: 75ch; }
figure { margin: 0; } figure img { width: 100%; height: auto; border-radius: 4px; } figcaption { font-size: .9rem; }
figcaption { overflow-wrap: anywhere; }
.flips { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 1rem; }
.key b { padding: 0 .4rem; border-radius: 3px; background: var(--behind); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: minmax(0, 1fr); } dt { margin-top: .5rem; } }
@page { size: landscape; margin: 12mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; } nav { display: none; } .scroll { overflow: visible; }
  .pair:has(.many) { display: block; } .confusion { font-size: 9pt; } .many { font-size: 8pt; }
  p, figure, table, tr, svg, ol, .card, .caveat { break-inside: avoid; } h2, h3, caption, .note { break-after: avoid; }
}
"""


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading of its own.

    Attributes:
        anchor: What links to it name, unique on the page: letters, digits and hyphens.
        title: The heading.
        content: HTML; where it is empty, the page has no such part.
    """

    anchor: str
    title: str
    content: str


def render_page(title: str, sections: Sequence[Section]) -> str:
    """Write the page: a title, a link to each part, and the parts."""
    parts = [part for part in sections if part.content]
    links = "".join(f'<li><a href="#{part.anchor}">{escape(part.title)}</a></li>' for part in parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{BASE_STYLE}{PAGE_STYLE}{BAR_STYLE}{CHART_STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
<nav aria-label="Parts of this page"><ul>{links}</ul></nav>
</header>
<main>
{"".join(map(render_section, parts))}</main>
</body>
</html>
"""


def render_section(part: Section) -> str:
    """Write one part of the page with its heading."""
    heading = f'<h2 id="{part.anchor}">{escape(part.title)}</h2>'
    return f'<section aria-labelledby="{part.anchor}">\n{heading}\n{part.content}\n</section>\n'
