"""Makes the collection importable from a clone in any folder, for plain pytest.

``ansible-test`` runs from inside an ``ansible_collections`` tree and needs nothing of this.
"""

from __future__ import annotations

import contextlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / ".build" / "collections"


def arrange_tree() -> None:
    """Put the clone on sys.path as ansible_collections.kvmfleet.compute, through a symlink in .build."""
    if ROOT.parts[-3:] == ("ansible_collections", "kvmfleet", "compute"):
        sys.path.insert(0, str(ROOT.parents[2]))
        return
    link = TREE / "ansible_collections" / "kvmfleet" / "compute"
    link.parent.mkdir(parents=True, exist_ok=True)
    # A clone that was moved has a link to where it was; another worker may be making it, too.
    if link.is_symlink() and link.resolve() != ROOT:
        link.unlink(missing_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(ROOT)
    sys.path.insert(0, str(TREE))


sys.path.insert(0, str(ROOT / "tests"))
arrange_tree()
