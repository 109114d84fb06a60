# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: a list from what a survey or a command line can give; thin edge over plugin_utils/schema/answers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: listed
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: A list from a list or from text
description:
  - Gives a list as it is. Of a text it makes one - of YAML or JSON, of an item on each line, or of one line with commas between the items.
  - Nothing and an empty text are an empty list.
options:
  _input:
    description: The list, or the text.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show the names of an answer of a survey
  ansible.builtin.debug:
    msg: "{{ names | kvmfleet.compute.listed }}"
  vars:
    names: |
      web-1
      web-2
"""

RETURN = r"""
_value:
  description: The items, as text without the space around them.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer, is_unset, items


def listed(value: object) -> list[object]:
    """The items; AnsibleFilterError for what is no list."""
    try:
        given: object = plain(value)
        found: object = [] if is_unset(given) else items("the list", given)
    except (NotPlain, WrongAnswer) as error:
        raise AnsibleFilterError(str(error)) from error
    if not isinstance(found, list):
        raise AnsibleFilterError(f"must be a list, or text with one, not a {type(found).__name__}")
    return found


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"listed": listed}
