#include "edge/api/page.h"

namespace mien::edge::api {

std::string_view page_css() {
  return R"css(:root {
  --ground: #fbfaf7; --panel: #ffffff; --ink: #1d1f21; --quiet: #5c6166; --line: #dcd9d2; --accent: #0b5cad;
  --calm: #4a7c59; --warm: #9a6700; --hot: #b3261e; --bar: #e7e4dc; --focus: #0b5cad;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181a; --panel: #1e2124; --ink: #e8e6e1; --quiet: #a3a9af; --line: #34383c; --accent: #7cb7f2;
    --calm: #7fbf94; --warm: #e3b341; --hot: #ff8a80; --bar: #2d3236; --focus: #7cb7f2;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
body > header {
  display: flex; flex-wrap: wrap; gap: .4rem 1.5rem; align-items: baseline;
  padding: .8rem 1.2rem; border-bottom: 1px solid var(--line);
}
h1 { font-size: 1.25rem; margin: 0; letter-spacing: .02em; }
header p { margin: 0; }
.filter { margin-left: auto; color: var(--quiet); }
input { font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: .25rem .5rem; }
button {
  font: inherit; color: inherit; background: var(--panel); cursor: pointer;
  border: 1px solid var(--line); border-radius: 4px; padding: .25rem .7rem;
}
.live { color: var(--quiet); }
.live::before { content: "\25CF\00A0"; color: var(--warm); }
.live.on::before { color: var(--calm); }
main { padding: 1rem 1.2rem; display: grid; gap: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; background: var(--panel); }
th { text-align: left; font-weight: 600; color: var(--quiet); font-size: .85rem; }
th, td { padding: .45rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr { cursor: pointer; }
tbody tr:hover { background: var(--ground); }
tbody tr[aria-current="true"] { box-shadow: inset 3px 0 var(--accent); }
.name { background: none; border: 0; padding: 0; color: var(--accent); text-align: left; font-weight: 600; overflow-wrap: anywhere; }
.type { color: var(--quiet); font-size: .82rem; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { display: inline-block; vertical-align: middle; margin-right: .5rem; }
.bar .ground { fill: var(--bar); }
.bar .level { fill: var(--quiet); }
.calm { color: var(--calm); } .warm { color: var(--warm); } .hot { color: var(--hot); }
.bar .calm { fill: var(--calm); } .bar .warm { fill: var(--warm); } .bar .hot { fill: var(--hot); }
.reasons { max-width: 34rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .85rem; font-weight: 600; margin: 0 0 .4rem; }
#details { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .8rem 1rem; }
#details header { display: flex; justify-content: space-between; align-items: baseline; }
#details h2 { margin: 0; font-size: 1.05rem; overflow-wrap: anywhere; }
#details h3 { font-size: .9rem; margin: 1rem 0 .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.chart { width: 100%; height: 140px; display: block; background: var(--ground); border: 1px solid var(--line); }
.chart .band { fill: var(--calm); opacity: .18; }
.chart .line { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.banner { margin: 0; padding: .6rem 1.2rem; border-bottom: 1px solid var(--line); border-left: 4px solid var(--warm); background: var(--panel); }
#acting { grid-column: 1 / -1; }
#acting tbody tr { cursor: default; }
#login { padding: 1rem 1.2rem; display: flex; gap: .8rem; align-items: baseline; flex-wrap: wrap; }
[hidden] { display: none !important; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.off-screen, .skip:not(:focus) { position: absolute; left: -100vw; width: 1px; height: 1px; overflow: hidden; }
@media (min-width: 80rem) {
  main { grid-template-columns: minmax(0, 3fr) minmax(22rem, 2fr); align-items: start; }
  main > :only-child, main > :nth-child(2):has(+ [hidden]) { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: no-preference) { .bar rect { transition: width .3s; } }
)css";
}

}  // namespace mien::edge::api
