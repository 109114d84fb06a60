# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request from flat variables, as the survey of a job template gives them: texts, numbers and lists of choices; pure.

``docs/awx/README.md`` has the table.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer, is_unset, items, mapping, text_of

PREFIX = "compute_server_"
# What networks may be in place of a list.
ALL_NETWORKS = frozenset({"auto", "none"})


def _text(_variable: str, value: object) -> object:
    return text_of(value)


def _verbatim(_variable: str, value: object) -> object:
    return value


def _named(variable: str, value: object) -> object:
    """Mappings with a name each; what is a mapping already stays."""
    found = items(variable, value)
    return [{"name": item} if isinstance(item, str) else item for item in found] if isinstance(found, list) else found


def _networks(variable: str, value: object) -> object:
    named = _named(variable, value)
    alone = [word for word in ALL_NETWORKS if named == [{"name": word}]]
    return alone[0] if alone else named


def _pairs(variable: str, value: object) -> object:
    """A mapping: as it is, as YAML or JSON, or with a pair ``key=value`` on each line."""
    if not isinstance(value, str):
        return {str(key): text_of(item) for key, item in value.items()} if isinstance(value, dict) else value
    found = mapping(variable, value, only_text=True)
    if not isinstance(found, dict):
        raise WrongAnswer(f"{variable} must be key=value on each line, or a mapping as YAML or JSON")
    return found


class Field(t.NamedTuple):
    """A flat variable and the field of a request that it gives."""

    name: str  # of the variable, without the prefix
    path: str  # of the field; below scheduler_hints for a hint
    read: Callable[[str, object], object]  # (variable, value) -> the field's value
    means: str  # for people
    spellings: tuple[str, ...] = ()  # by which else errors may call the field

    @property
    def variable(self) -> str:
        """The whole name."""
        return PREFIX + self.name


FIELDS = (
    Field("name", "name", _text, "text"),
    Field("count", "min_count", _text, "how many", ("max_count",)),
    Field("flavor", "flavor", _text, "name or id", ("flavorRef",)),
    Field("image", "image", _text, "name or id", ("imageRef",)),
    Field("networks", "networks", _networks, "list of names, or `auto`, or `none`"),
    Field("zone", "availability_zone", _text, "text"),
    Field("in_group", "scheduler_hints.group", _text, "name or id of a server group", ("os:scheduler_hints.group",)),
    Field("key_name", "key_name", _text, "name of a key pair"),
    Field("security_groups", "security_groups", _named, "list of names or ids"),
    Field("description", "description", _text, "text"),
    Field("metadata", "metadata", _pairs, "pairs"),
    Field("tags", "tags", items, "list of texts"),
    Field("user_data", "user_data_text", _verbatim, "plain text, such as a cloud-init file; secret", ("user_data",)),
    Field("admin_pass", "adminPass", _verbatim, "text; secret"),
)
VARIABLES = tuple(field.variable for field in FIELDS)


def request_of(values: Mapping[str, object]) -> dict[str, t.Any] | None:
    """The request that the variables give, by their whole names; None if none of them is set. WrongAnswer if one can't be read."""
    request: dict[str, t.Any] = {}
    for field in FIELDS:
        given = values.get(field.variable)
        value = None if is_unset(given) else field.read(field.variable, given)
        if is_unset(value):
            continue
        above, _dot, key = field.path.rpartition(".")
        (request.setdefault(above, {}) if above else request)[key] = value
    return request or None


def in_own_words(text: str) -> str:
    """A path of the request, or a sentence with some, by the variables that gave it: ``servers[0].flavor`` is ``compute_server_flavor``."""
    for spelling, variable in _SPELLINGS:
        text = re.sub(rf"\bservers\[0\]\.{re.escape(spelling)}(?![\w-])", variable, text)
    return text


def _spellings() -> Iterator[tuple[str, str]]:
    for field in FIELDS:
        for spelling in (field.path, *field.spellings):
            yield spelling, field.variable


_SPELLINGS = tuple(_spellings())
