# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of what the registrar answers to ``reserve``: it is on a host, which may answer anything; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import BOOLEAN, NOT_EMPTY, TEXT, Schema, by_name, list_of, of_format, open_mapping

_PORT: Schema = open_mapping({"id": NOT_EMPTY, "ip_addresses": list_of(of_format("ip"))}, required=("id", "ip_addresses"))
_GRANTED: Schema = open_mapping({"server": NOT_EMPTY, "host": NOT_EMPTY, "ports": list_of(_PORT)}, required=("server", "host", "ports"))
_ERROR: Schema = open_mapping({"error_class": TEXT, "message": TEXT, "reschedule": BOOLEAN}, required=("error_class", "message", "reschedule"))
_LOST: Schema = open_mapping({"server": NOT_EMPTY, "error": _ERROR}, required=("server", "error"))
_ANSWER: Schema = open_mapping(
    {"granted": list_of(_GRANTED), "lost": list_of(_LOST), "members": by_name(by_name(TEXT))}, required=("granted", "lost", "members")
)


def faults_of_answer(answer: object) -> str:
    """What is wrong with a registrar's answer, as a sentence; empty if it is one."""
    return sentence(shape_check.faults(_ANSWER, answer))
