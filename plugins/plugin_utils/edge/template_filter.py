# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between a Jinja filter and the scheduler: plain data in, one clear sentence for what can't be used."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING

Answer = t.TypeVar("Answer")

OPTIONS = ("filters", "weighers", "options", "aggregates", "groups")


def answer(function: t.Callable[..., Answer], hosts: object, request: object, options: dict[str, object]) -> Answer:
    """What ``function(hosts, request, **options)`` gives; AnsibleFilterError for what is wrong."""
    for sentence in MISSING:
        raise AnsibleFilterError(sentence)
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise AnsibleFilterError(f"{', '.join(unknown)}: unknown option; known: {', '.join(OPTIONS)}")
    try:
        given: dict[str, object] = {key: plain(value, key) for key, value in options.items() if value is not None}
        return function(plain(hosts, "hosts"), plain(request, "request"), **given)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise AnsibleFilterError(str(error)) from error
