# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script of the page: search, sort, and open what is to be printed. All of the page can be read without it."""

from __future__ import annotations

SCRIPT = """
"use strict";
const rows = [...document.querySelectorAll("[data-find]")];
const texts = new Map();
const search = document.getElementById("search");
const found = document.getElementById("found");

function textOf(row) {
  if (!texts.has(row)) texts.set(row, row.textContent.toLowerCase());
  return texts.get(row);
}

function find() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const counts = {};
  for (const row of rows) {
    row.hidden = !words.every((word) => textOf(row).includes(word));
    const count = counts[row.dataset.find] ??= [0, 0];
    count[0] += row.hidden ? 0 : 1;
    count[1] += 1;
  }
  found.textContent = ["servers", "hosts"].filter((kind) => counts[kind])
    .map((kind) => `${counts[kind][0]} of ${counts[kind][1]} ${kind}`).join(", ");
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function valueOf(body, column) {
  const cell = body.rows[0].cells[column];
  return cell.dataset.value ?? cell.textContent.trim();
}

function sort(header) {
  const table = header.closest("table");
  const isDown = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  const keyed = [...table.tBodies].map((body) => [valueOf(body, header.cellIndex), body]);
  keyed.sort((one, other) => collator.compare(one[0], other[0]) * (isDown ? -1 : 1));
  table.append(...keyed.map((pair) => pair[1]));
}

for (const header of document.querySelectorAll("th[aria-sort]")) header.querySelector("button").addEventListener("click", () => sort(header));
search.addEventListener("input", find);
find();

// Who follows a link to the hosts that are out sees them.
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();

let opened = [];
window.addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details.print:not([open])")];
  for (const item of opened) item.open = true;
});
window.addEventListener("afterprint", () => {
  for (const item of opened) item.open = false;
});
"""
