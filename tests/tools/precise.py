"""Fail if a module has too few precisely typed expressions: precise.py REPORT LEAST, with mypy's any-exprs.txt and a percentage."""

from __future__ import annotations

import pathlib
import re
import sys

# A module of a few expressions says nothing by a percentage.
FEWEST = 20


def main() -> int:
    """Name every module below the least; 1 if there is one, or if the report names none at all."""
    report, least = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    rows = re.findall(r"^\s*(\S+)\s+(\d+)\s+(\d+)\s+([\d.]+)%$", report.read_text(encoding="utf-8"), re.MULTILINE)
    modules = [(name, int(every), float(share)) for name, _anys, every, share in rows if name != "Total"]
    low = sorted((share, name) for name, every, share in modules if share < least and every >= FEWEST)
    for share, name in low:
        print(f"{name}: {share} % of its expressions are precise, at least {least:g} % are asked for")
    if not modules:
        print(f"{report} names no module")
    return 1 if low or not modules else 0


if __name__ == "__main__":
    sys.exit(main())
