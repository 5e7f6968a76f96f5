"""What a gallery looks like, besides what all pages share."""

from legosigns_dagster.core.palette import CLASSES

COLORS = "\n".join(
    f".c{number} {{ color: {color}; }} rect.c{number} {{ stroke: {color}; }}" for number, color in enumerate(CLASSES)
)
GALLERY_STYLE = f"""
body {{ max-width: none; --tall: 18rem; }} .note, small, output {{ color: var(--soft); }} small {{ display: block; }}
.unseen {{ position: absolute; width: 1px; height: 1px; margin: 0; padding: 0; overflow: hidden;
  clip-path: inset(50%); }}
[hidden] {{ display: none !important; }}
form {{ display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; position: sticky; top: 0; z-index: 2;
  padding: .5rem 0; background: var(--page); border-bottom: 1px solid var(--line); }}
label {{ display: grid; font-size: .8rem; color: var(--soft); min-width: 0; }}
select, button {{ font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--soft);
  border-radius: 6px; padding: .3rem .6rem; max-width: 100%; min-height: 2.2rem; }}
select {{ font-size: 1rem; width: 11rem; }} button {{ cursor: pointer; }} output {{ padding: .3rem 0; }}
kbd {{ border: 1px solid var(--line); border-radius: 4px; padding: 0 .3rem; }}
.grid {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 16rem), 1fr)); gap: 1rem;
  list-style: none; margin: 1rem 0; padding: 0; }}
li {{ min-width: 0; scroll-margin-top: 9rem; }} figure {{ margin: 0; }}
figcaption {{ font-size: .9rem; overflow-wrap: anywhere; }}
.frame {{ display: block; position: relative; width: min(100%, calc(var(--tall) * var(--ratio)));
  aspect-ratio: var(--ratio); background: var(--card); border-radius: 4px; overflow: hidden; }}
.frame img, .frame svg {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
.frame rect {{ fill: none; stroke-width: 2px; vector-effect: non-scaling-stroke; }}
.names {{ display: none; }} .names b {{ position: absolute; transform: translateY(-100%); white-space: nowrap; }}
.names b, .key b {{ background: #111; border-radius: 3px; padding: 0 .3rem; font-size: .8rem; }}
.key {{ max-width: none; }} .key b {{ display: inline-block; margin: .1rem 0; max-width: 100%; }}
li:target {{ grid-column: 1 / -1; }} li:target, dialog {{ --tall: 70vh; }}
:target .names, dialog .names {{ display: block; }}
dialog {{ width: min(96vw, 100rem); max-width: none; max-height: 96vh; margin: auto; border: 1px solid var(--line);
  border-radius: 8px; padding: .75rem; color: var(--ink); background: var(--page); overflow: auto; }}
dialog::backdrop {{ background: rgb(0 0 0 / .7); }} dialog .frame {{ margin: 0 auto; }}
.buttons {{ display: flex; flex-wrap: wrap; gap: .5rem; margin-top: .5rem; }}
@media (max-width: 40rem) {{ form {{ position: static; }} label {{ flex: 1 1 40%; }} select {{ width: 100%; }} }}
@media print {{ form, .keys {{ display: none; }} li {{ break-inside: avoid; }} }}
{COLORS}
"""
