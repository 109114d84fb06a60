# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python reads this at its start: a module of Ansible halts before the step that /run/kvmfleet-halt/step names, as transition.step.

The file ``reached`` there has its process id then; it goes on when somebody has written into the FIFO ``go``.
"""

from __future__ import annotations

import builtins
import os
import sys
import typing as t

FOLDER = "/run/kvmfleet-halt"
OURS = "ansible_collections.kvmfleet.compute.plugins.module_utils."
IMAGE = {"fetch": f"{OURS}image.fetch", "publish": f"{OURS}image.publish"}


def halting(function: t.Callable[..., object]) -> t.Callable[..., object]:
    def step(*arguments: object) -> object:
        # Only the first that comes halts.
        try:
            os.rename(f"{FOLDER}/step", f"{FOLDER}/halted")
        except FileNotFoundError:
            return function(*arguments)
        with open(f"{FOLDER}/halted", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        os.rename(f"{FOLDER}/halted", f"{FOLDER}/reached")
        with open(f"{FOLDER}/go", encoding="ascii") as file:
            file.read()
        return function(*arguments)

    return step


def replace(holder: t.Any, name: str) -> None:
    """Every function of this name in a module or a class, in its tuples too."""
    for key, value in list(vars(holder).items()):
        if isinstance(value, tuple):
            setattr(holder, key, tuple(halting(item) if getattr(item, "__name__", None) == name and callable(item) else item for item in value))
        elif getattr(value, "__name__", None) == name and callable(value) and not isinstance(value, type):
            setattr(holder, key, halting(value))


def install() -> None:
    with open(f"{FOLDER}/step", encoding="ascii") as file:
        transition, name = file.read().strip().split(".")
    if transition in IMAGE:
        if IMAGE[transition] in sys.modules:
            replace(sys.modules[IMAGE[transition]], name)
        return
    table = sys.modules.get(f"{OURS}compute.transitions.table")
    if table is None:
        return
    item = table.TRANSITIONS[transition]
    run = item.run

    def only_here(*arguments: object) -> object:
        # Steps are shared: they halt in this transition alone.
        for module in [module for loaded, module in sys.modules.items() if loaded.startswith(f"{OURS}compute.transitions.")]:
            replace(module, name)
        replace(type(item), name)
        return run(*arguments)

    item.run = only_here


def wait_for_ansible(imported: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """Once a module makes its AnsibleModule, all its code is there."""

    def importing(*arguments: t.Any, **options: t.Any) -> t.Any:
        found = imported(*arguments, **options)
        basic: t.Any = sys.modules.get("ansible.module_utils.basic")
        if basic is not None and hasattr(basic, "AnsibleModule"):
            builtins.__import__ = imported
            made = basic.AnsibleModule.__init__

            def making(*of: t.Any, **options: t.Any) -> None:
                made(*of, **options)
                install()

            basic.AnsibleModule.__init__ = making
        return found

    return importing


if os.path.exists(f"{FOLDER}/step"):
    builtins.__import__ = wait_for_ansible(builtins.__import__)
