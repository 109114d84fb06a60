# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: the surveys of job templates; thin edge over plugin_utils/api/survey."""

from __future__ import annotations

DOCUMENTATION = r"""
name: surveys
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: The surveys of AWX's job templates, from the catalogue
description:
  - Gives the survey of which servers are created. Its answers are the variables C(compute_server_name), C(compute_server_flavor) and so on, which
    R(the role create_server,ansible_collections.kvmfleet.compute.create_server_role) makes a request of.
  - Flavors, images, networks, server groups, key pairs and security groups are choices among those of the catalogue. What the catalogue has none of is not
    asked. Beside it there is the survey of which servers are deleted.
options:
  _input:
    description:
      - The catalogue, with C(flavors), C(images), C(networks), C(server_groups), C(keypairs), C(security_groups) and C(quotas), as the variables
        C(compute_flavors) and so on have them. What is left out is not asked.
    type: dict
    required: true
  zones:
    description: The availability zones to choose from.
    type: list
    elements: str
    default: []
seealso:
  - module: kvmfleet.compute.server_validate
"""

EXAMPLES = r"""
- name: Show the survey of the catalogue
  ansible.builtin.debug:
    msg: "{{ (catalogue | kvmfleet.compute.surveys(zones=['az1', 'az2'])).create }}"
  vars:
    catalogue: {flavors: "{{ compute_flavors }}", images: "{{ compute_images }}", networks: "{{ compute_networks }}"}
"""

RETURN = r"""
_value:
  description: C(create) and C(delete), each with C(name), C(description) and C(spec), as AWX's API takes C(survey_spec).
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import survey
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer, mapping


def surveys(catalogue: object, zones: object = ()) -> dict[str, survey.Survey]:
    """The surveys by what is done; AnsibleFilterError for a catalogue that is none."""
    try:
        entries, known = plain(catalogue), plain(zones)
        if isinstance(entries, dict):
            entries = {kind: mapping(f"compute_{kind}", of_kind) or None for kind, of_kind in entries.items()}
    except (NotPlain, WrongAnswer) as error:
        raise AnsibleFilterError(str(error)) from error
    if not isinstance(entries, dict) or not isinstance(known, list):
        raise AnsibleFilterError("the catalogue must be a mapping with flavors, images and so on, and zones a list")
    for kind, of_kind in entries.items():
        if of_kind is not None and not isinstance(of_kind, dict):
            raise AnsibleFilterError(f"compute_{kind}: must be a mapping from a name to its attributes")
    created = survey.create_survey({kind: of_kind or {} for kind, of_kind in entries.items()}, list(dict.fromkeys(map(str, known))))
    return {"create": created, "delete": survey.delete_survey()}


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"surveys": surveys}
