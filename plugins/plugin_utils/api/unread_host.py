# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host could not be read, in its own words, and what puts it right; pure."""

from __future__ import annotations

import re

# Of what a host has said.
MOST_SHOWN = 600
UNREACHABLE = "unreachable"
IGNORE = "compute_unreachable_hosts: ignore leaves it out of this run"
PREPARE = "ansible-playbook kvmfleet.compute.prepare_host installs and checks what a host needs"
# (words of the error, what to do)
FIXES = (
    (re.compile(r"argument '(\w+)'|value of (\w+) must be"), "put the variable compute_{} of this host right"),
    (re.compile(r"No start of json char|deserialization failed|MODULE FAILURE", re.IGNORECASE), "look at what ansible_python_interpreter of this host runs"),
    (re.compile(r"libvirt-sock|does not answer|has not answered", re.IGNORECASE), f"start libvirt there; {PREPARE}"),
    (re.compile(r"No module named|required Python library|interpreter|No such file or directory|command not found", re.IGNORECASE), PREPARE),
    (re.compile(r"facts of host_info are not set"), "read the host before, with kvmfleet.compute.host_info or the playbook fleet"),
)


def fault(status: str, said: str) -> tuple[str, str]:
    """(error class, rule) of a host that is not there for the run: its whole text, and what to do."""
    text = " ".join(said.split()).rstrip(".")
    text = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"
    if status == UNREACHABLE:
        return "HostUnreachable", f"can't be reached, so no name or address can be proven free: {text}; {IGNORE}"
    return "HostNotReadable", f"can't be read: {text}; {_fix(text)}"


def _fix(text: str) -> str:
    for words, fix in FIXES:
        found = words.search(text)
        if found:
            return fix.format(next((group for group in found.groups() if group), ""))
    return PREPARE
