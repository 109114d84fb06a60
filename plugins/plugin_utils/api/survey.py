# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys of AWX's job templates, from the catalogue: who fills one in chooses among what there is; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.flat_request import PREFIX

MOST_SERVERS, MOST_CHARACTERS = 100, 65535


class Question(t.TypedDict):
    """A question of a survey, as AWX's API has it."""

    variable: str  # that gets the answer
    question_name: str  # for people
    question_description: str  # for people
    type: str  # text, textarea, integer, multiplechoice or multiselect
    required: bool  # left out: the answer is an empty text
    default: str | int  # what stands there at first; choices of a multiselect line by line
    choices: list[str]  # what can be chosen; empty for other types
    min: int  # characters, or the smallest number
    max: int  # characters, or the largest number


class Survey(t.TypedDict):
    """What AWX's API takes as survey_spec."""

    name: str  # empty: AWX shows none
    description: str  # empty likewise
    spec: list[Question]  # in their order


def _question(name: str, ask: str, kind: str = "text", *, required: bool = False, hint: str = "", **more: t.Any) -> Question:
    made: t.Any = {
        "variable": name if name.startswith("compute_") else PREFIX + name,
        "question_name": ask,
        "question_description": hint,
        "type": kind,
        "required": required,
        "default": "",
        "choices": [],
        "min": 0,
        "max": 1024,
        **more,
    }
    question: Question = made
    return question


def _choice(name: str, ask: str, choices: Collection[str], *, several: bool = False, required: bool = False, hint: str = "") -> Iterator[Question]:
    """A choice, if there is one; the only one that there is stands there already if one is required."""
    if choices:
        default = min(choices) if required and len(choices) == 1 else ""
        kind = "multiselect" if several else "multiplechoice"
        yield _question(name, ask, kind, required=required, hint=hint, choices=sorted(choices), default=default)


def create_survey(catalogue: Mapping[str, Mapping[str, object]], zones: Collection[str]) -> Survey:
    """Of what a server is made; ``catalogue``: names by kind (flavors, images …), ``zones``: the availability zones that hosts are in."""
    quota = catalogue.get("quotas", {}).get("instances")
    most = quota if isinstance(quota, int) and not isinstance(quota, bool) and 0 < quota < MOST_SERVERS else MOST_SERVERS

    def names(kind: str) -> Collection[str]:
        return [str(name) for name in catalogue.get(kind, {})]

    return {
        "name": "",
        "description": "",
        "spec": [
            _question("name", "Name", required=True, max=255, hint="More than one server: -1, -2 … come behind it"),
            _question("count", "How many", "integer", required=True, default=1, min=1, max=most),
            *_choice("flavor", "Flavor", names("flavors"), required=True),
            *_choice("image", "Image", names("images"), required=True),
            *_choice("networks", "Networks", names("networks"), several=True, required=True),
            *_choice("zone", "Availability zone", zones, hint="Any if left out"),
            *_choice("in_group", "Server group", names("server_groups")),
            *_choice("key_name", "Key pair", names("keypairs")),
            *_choice("security_groups", "Security groups", names("security_groups"), several=True),
            _question("tags", "Tags", hint="With commas between them"),
            _question("metadata", "Metadata", "textarea", max=MOST_CHARACTERS, hint="key=value on each line"),
            _question("user_data", "User data", "textarea", max=MOST_CHARACTERS, hint="A cloud-init file; AWX keeps it readable, so put no secret here"),
        ],
    }


def delete_survey() -> Survey:
    """Which servers are deleted."""
    hint = "On each line one, or with commas between them"
    return {"name": "", "description": "", "spec": [_question("compute_delete_names", "Names", "textarea", required=True, max=MOST_CHARACTERS, hint=hint)]}
