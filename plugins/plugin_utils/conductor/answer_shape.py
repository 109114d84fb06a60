# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of what a host answers for its servers and images: a host may answer anything; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import REMEDIES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import (
    BOOLEAN,
    NOT_EMPTY,
    NUMBER,
    TEXT,
    Schema,
    by_name,
    field,
    list_of,
    mapping,
    one_of,
    open_mapping,
    whole,
)

MOST_S = 10**9
# The outcomes that say that a stage is done, and those that come with an error.
DONE = {"claim": ("claimed", "unchanged"), "release": ("deleted", "unchanged"), "build": ("built", "started", "unchanged")}
ERRORS = ("refused", "failed", "unknown")
_SECONDS: Schema = field(NUMBER, minimum=0, maximum=MOST_S)
_ERROR: Schema = open_mapping(
    {"error_class": TEXT, "message": TEXT, "reschedule": BOOLEAN, "exception": TEXT}, required=("error_class", "message", "reschedule")
)
_DRIFT: Schema = open_mapping({"path": TEXT, "remedy": one_of(*REMEDIES)}, required=("path", "remedy"))
_OUTCOME: Schema = open_mapping(
    {
        "uuid": NOT_EMPTY,
        "display_name": TEXT,
        "outcome": one_of(*DONE["claim"], *DONE["build"], "deleted", *ERRORS),
        "stage": one_of("claim", "port", "build", "wait", "delete"),
        "changed": BOOLEAN,
        "error": _ERROR,
        "power_state": TEXT,
        "seconds": by_name(_SECONDS),
        "drift": list_of(_DRIFT),
        "console": list_of(TEXT),
        "foreign_files": list_of(TEXT),
        "warnings": list_of(TEXT),
        "ssh_ports": by_name(whole("", 1, 65535)),
    },
    required=("uuid", "outcome", "stage", "changed", "seconds"),
)
_OUTCOMES: Schema = mapping({"servers": list_of(_OUTCOME)}, required=("servers",))
_IMAGES: Schema = list_of(open_mapping({"id": TEXT, "seconds": _SECONDS}, required=("id", "seconds")))


def faults_of_outcomes(servers: object) -> str:
    """What is wrong with a host's outcomes, as a sentence; empty if they are a list of outcomes."""
    return sentence(shape_check.faults(_OUTCOMES, {"servers": servers}))


def has_seconds(images: object) -> bool:
    """True for a list of images that says how long each took."""
    return not list(shape_check.faults(_IMAGES, images))
