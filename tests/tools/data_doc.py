"""docs/data.md: every shape that crosses a stage, a task or the wire, made of the two files of shapes."""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "data.md"
SOURCES = (ROOT / "plugins" / "module_utils" / "shapes.py", ROOT / "plugins" / "plugin_utils" / "shapes.py")
HEAD = """# The data that flows through the chain

`make docs-data` writes this page from `plugins/module_utils/shapes.py` (what hosts see) and `plugins/plugin_utils/shapes.py` (what only the controller sees).
Everything is JSON: mappings, lists, text, numbers, true, false and null. Units are in the names (`_mb`, `_gb`, `_bytes`, `_s`) or in the meaning.

    compute_servers ── api ──> BuildRequest, RequestSpec ── scheduler ──> Placed, Unplaced ── conductor ──> Round, Order
                        ▲                                       ▲                                │   ▲          │
                        └──── Fleet: the HostFacts ─────────────┘                                ▼   │          ▼
                              of every host                                              ReportRow   Outcome ── compute

| from | to | shape |
| --- | --- | --- |
| `host_info` | `server_validate`, `server_schedule` | [HostFacts](#hostfacts), joined to a [Fleet](#fleet) |
| `server_validate` | `server_schedule` | [Validation](#validation) with [BuildRequest](#buildrequest) and [RequestSpec](#requestspec) |
| `server_schedule` | `server_conduct` | `placements`: [Placed](#placed) by host; `unplaced`: [Unplaced](#unplaced) |
| `server_conduct` | `server_reserve`, and back | `round`: a [Round](#round); the registrar gets a [ReserveRequest](#reserverequest) |
| `server_conduct`, `server_reserve` | `server` on each host | `round`: a [Round](#round); a host gets [Orders](#order) and a [Grant](#grant) |
| `server`, `port` | `server_conduct` | [Outcome](#outcome) |
| `server_plan` | `server_validate`, in a later run | a file: a [Plan](#plan) |
| `server_conduct` | the user | `report`: [ReportRow](#reportrow) |
| the domain's metadata | `host_info`, `server_info` | [Record](#record) |

What the catalogue's variables hold stands in [catalogue.md](catalogue.md), a request's fields in [fields.md](fields.md).

## A fleet file

What the filter `fleet_facts` and the playbook `kvmfleet.compute.fleet` write, and what may be written by hand, so that a plan needs no host:

    {"version": 1,
     "hosts": {<inventory name>: {"host_info": <what host_info returned>,
                                  "compute_availability_zone", "compute_disabled", "compute_disabled_reason", "compute_facts",
                                  "compute_traits", "ansible_host"}}}

`host_info` needs `{"host": {"vcpus", "memory_mb", "disk_gb"}}`; the variables are there if they are set for the host. `compute_facts` are facts of the
operator's own, a mapping that filters and weighers see as `host.facts`.
"""
WORDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "t.Any": "anything", "None": "null", "Digest": "text"}
FIELD = re.compile(r"    (\w+): .+?  # (.+)")


class Shape(t.NamedTuple):
    """One TypedDict: its name, what it is, the shape it adds to, and [(field, type, meaning, may be left out)]."""

    name: str
    about: str
    base: str | None
    fields: list[tuple[str, ast.expr, str, bool]]


def shapes(path: pathlib.Path) -> t.Iterator[str | Shape]:
    """The headings and shapes of a file, in its order; ValueError for a field without a meaning."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    headings = {number: line[2:] for number, line in enumerate(lines) if line.startswith("# ") and number > 5}
    for node in classes:
        for number in [at for at in headings if at < node.lineno]:
            yield headings.pop(number)
        base = ast.unparse(node.bases[0])
        fields = []
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                match = FIELD.fullmatch(lines[item.lineno - 1])
                if not match:
                    raise ValueError(f"{path.name}: {node.name}.{item.target.id} has no meaning behind it")
                kind, optional = item.annotation, False
                if isinstance(kind, ast.Subscript) and ast.unparse(kind.value) == "t.NotRequired":
                    kind, optional = kind.slice, True
                fields.append((item.target.id, kind, match.group(2), optional))
        yield Shape(node.name, ast.get_docstring(node) or "", None if base == "t.TypedDict" else base, fields)


def words(kind: ast.expr, known: t.Collection[str]) -> str:
    """A type in words, with links to other shapes."""
    text = ast.unparse(kind)
    if text in WORDS:
        return WORDS[text]
    if text in known:
        return f"[{text}](#{text.lower()})"
    if isinstance(kind, ast.BinOp):
        return f"{words(kind.left, known)} or {words(kind.right, known)}"
    if isinstance(kind, ast.Subscript):
        inside = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
        outside = ast.unparse(kind.value).removeprefix("t.").lower()
        if outside == "optional":
            return f"{words(inside[0], known)} or null"
        if outside == "list":
            return f"list of {words(inside[0], known)}"
        if outside == "tuple":
            return f"[{', '.join(words(item, known) for item in inside)}]"
        if outside == "dict":
            return f"mapping from {words(inside[0], known)} to {words(inside[1], known)}"
        if outside == "literal":
            return " or ".join(f"`{ast.literal_eval(item)}`" for item in inside)
    raise ValueError(f"a type that has no words: {text}")


def text() -> str:
    """The page."""
    parts = [part for path in SOURCES for part in shapes(path)]
    known = {part.name for part in parts if isinstance(part, Shape)}
    page = HEAD
    for part in parts:
        if isinstance(part, str):
            page += f"\n## {part}\n"
            continue
        page += f"\n### {part.name}\n\n{part.about}\n"
        if part.base:
            page += f"All of [{part.base}](#{part.base.lower()}), and:\n"
        page += "\n| field | type | meaning |\n| --- | --- | --- |\n"
        for name, kind, meaning, optional in part.fields:
            page += f"| `{name}`{' (may be left out)' if optional else ''} | {words(kind, known)} | {meaning.replace('<', '&lt;')} |\n"
    return page


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
