# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of the page: light, dark and printed; nothing but text."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --text: #1c2330; --dim: #55606f; --ground: #f6f7f9; --panel: #ffffff; --line: #d5dae1; --track: #e4e8ed;
  --reserved: #8a93a0; --used: #3b6ea8; --new: #d9730d; --bad: #b3261e; --good: #1b7a3d; --fresh: #9a4d00; --link: #1f5fa8; --focus: #1f5fa8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ee; --dim: #a0aab8; --ground: #14181f; --panel: #1c222b; --line: #353e4b; --track: #313a46;
    --reserved: #788391; --used: #6ea0d8; --new: #f29a4a; --bad: #ff8a80; --good: #6fcf8f; --fresh: #f29a4a; --link: #8ab8f0; --focus: #8ab8f0;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 90rem; color: var(--text); background: var(--ground); font: 0.9375rem/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 0 0 0.6rem; font-size: 1.15rem; }
p { margin: 0.2rem 0; }
a { color: var(--link); }
section { margin-top: 1.25rem; padding: 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: 0.5rem; }
.dim { color: var(--dim); }
.totals { display: grid; grid-template-columns: repeat(3, 1fr); gap: 0.4rem 2rem; }
.totals h2 { font-size: 0.95rem; margin: 0 0 0.2rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; padding: 0; margin: 0.8rem 0 0; list-style: none; color: var(--dim); font-size: 0.85rem; }
.legend svg { width: 0.8rem; height: 0.8rem; vertical-align: -0.1rem; margin-right: 0.35rem; border-radius: 0.15rem; }
.tools { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; align-items: center; margin-top: 1.25rem; padding: 0.6rem 0;
  background: var(--ground); }
.tools input { width: 22rem; max-width: 100%; padding: 0.4rem 0.6rem; font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--dim);
  border-radius: 0.35rem; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { padding: 0.35rem 0.5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid var(--line); font-weight: 600; font-size: 0.85rem; }
tbody + tbody > tr:first-child > *, tbody tr + tr:not(.why) > * { border-top: 1px solid var(--line); }
tbody th { font-weight: 600; }
th button { all: unset; cursor: pointer; overflow-wrap: anywhere; }
th button::after { content: " \\2195"; color: var(--dim); }
th[aria-sort=ascending] button::after { content: " \\2191"; color: inherit; }
th[aria-sort=descending] button::after { content: " \\2193"; color: inherit; }
:focus-visible, th button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 0.15rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.servers .name { width: 20%; } .servers .state { width: 7rem; } .servers td:nth-child(2) { white-space: nowrap; } .servers .address { width: 24%; }
.hosts th.name { width: 15%; } .hosts th.zone { width: 9%; } .hosts th.new { width: 16%; }
.weights { width: auto; max-width: 100%; margin: 0.4rem 1rem; font-size: 0.875rem; }
.weights caption { text-align: left; }
.weights td, .weights th { padding: 0.1rem 0.9rem 0.1rem 0; }
.weights, .weights thead th { border: 0; table-layout: auto; }
.reasons { width: calc(100% - 1rem); margin-left: 1rem; }
.reasons .name { width: 25%; }
.bar { display: block; width: 100%; height: 0.65rem; border-radius: 0.2rem; }
.free { fill: var(--track); } .reserved { fill: var(--reserved); } .used { fill: var(--used); } .new { fill: var(--new); }
.parts { display: flex; flex-wrap: wrap; column-gap: 0.9em; font-size: 0.8rem; color: var(--dim); font-variant-numeric: tabular-nums; }
.parts span { white-space: nowrap; } .parts b { color: var(--text); }
.whole { display: inline-block; }
.why td { padding-top: 0; font-size: 0.875rem; }
.is-bad { color: var(--bad); font-weight: 600; } .is-good { color: var(--good); font-weight: 600; } .is-new { color: var(--fresh); font-weight: 600; }
summary { cursor: pointer; }
details p { margin: 0.25rem 0 0.25rem 1rem; }
details > details { margin-left: 1rem; }
[hidden] { display: none !important; }
@media print {
  :root { --text: #000; --dim: #333; --ground: #fff; --panel: #fff; --line: #999; --track: #e4e8ed; --reserved: #8a93a0; --used: #3b6ea8; --new: #d9730d;
    --bad: #900; --good: #050; --fresh: #7a3d00; --link: #000; color-scheme: light; }
  html { font-size: 9pt; }
  body { padding: 0; max-width: none; }
  section { padding: 0; border: 0; }
  .tools, nav, .jump { display: none; }
  thead { display: table-header-group; }
  tbody, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  th button::after { content: none; }
}
"""
