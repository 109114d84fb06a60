"""Makes the collection importable from a clone in any folder, for plain pytest.

``ansible-test`` runs from inside an ``ansible_collections`` tree and needs nothing of this.
"""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / ".build" / "collections"


def arrange_tree() -> None:
    """Put the clone on sys.path as ansible_collections.kvmfleet.compute, through a symlink in .build."""
    if len(ROOT.parents) > 2 and ROOT.parents[1].name == "ansible_collections":
        sys.path.insert(0, str(ROOT.parents[2]))
        return
    link = TREE / "ansible_collections" / "kvmfleet" / "compute"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    sys.path.insert(0, str(TREE))


sys.path.insert(0, str(ROOT / "tests"))
arrange_tree()
