# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: sentences as lines that fit a screen; thin edge over plugin_utils/lines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lines
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: Sentences as lines that fit 80 columns
description:
  - Breaks sentences between words, so that no output format of Ansible has lines of more than 80 columns of them. What goes on in the next line is indented.
options:
  _input:
    description: The sentences, or one of them.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Say why servers are lost
  ansible.builtin.debug:
    msg: "{{ conducted.lost | kvmfleet.compute.lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import wrapped


def lines(sentences: object) -> list[str]:
    """The lines; AnsibleFilterError for what is neither a text nor a list."""
    try:
        given: object = plain(sentences)
    except NotPlain as error:
        raise AnsibleFilterError(str(error)) from error
    if not isinstance(given, (str, list)):
        raise AnsibleFilterError(f"lines takes a sentence or a list of them, not a {type(given).__name__}")
    return [line for sentence in ([given] if isinstance(given, str) else given) for line in wrapped(str(sentence))]


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"lines": lines}
