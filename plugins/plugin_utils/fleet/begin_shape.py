# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of what a host answers of the registrar, as when a run begins: a host may answer anything; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE, POSTGRESQL, SQLITE
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

# What SQLite and PostgreSQL keep as a number, with room for more epochs and tickets than there will be.
MOST = 2**62
_NULL_OR_TEXT: Schema = {"type": ["string", "null"]}
_NULL_OR_NUMBER: Schema = field({"type": ["integer", "null"]}, minimum=0, maximum=MOST)
_EPOCH: Schema = mapping(
    {
        "number": whole(least=1, most=MOST),
        "id": NOT_EMPTY,
        "fleet": NOT_EMPTY,
        "store": one_of(SQLITE, POSTGRESQL, NONE),
        "registrar": TEXT,
        "is_carried": BOOLEAN,
        "hosts": list_of(NOT_EMPTY, minItems=1),
        "replaces": list_of(list_of(NOT_EMPTY, minItems=1)),
    },
    required=("number", "id", "fleet", "store", "registrar", "is_carried", "hosts", "replaces"),
)
# What a host says that it holds, here and in its facts.
HELD: Schema = open_mapping(
    {
        "epoch": _EPOCH,
        "highest_ticket": whole(most=MOST),
        "ended": list_of(whole(least=1, most=MOST)),
        "clock": mapping({"boot_id": NOT_EMPTY, "seconds": field(NUMBER, minimum=0, maximum=MOST)}, required=("boot_id", "seconds")),
    },
    required=("highest_ticket", "clock"),
)
_PROCESS: Schema = {
    **mapping(
        {"boot_id": NOT_EMPTY, "pid_namespace": NOT_EMPTY, "pid": whole(least=1, most=MOST), "pid_start": whole(most=MOST)},
        required=("boot_id", "pid_namespace", "pid", "pid_start"),
    ),
    "type": ["object", "null"],
}
_TICKET: Schema = mapping(
    {"ticket": whole(least=1, most=MOST), "run": TEXT, "lasts_s": whole(most=MOST), "deadline": whole(most=MOST), "process": _PROCESS},
    required=("ticket", "run", "lasts_s", "deadline"),
)
_PORT: Schema = mapping(
    {"id": TEXT, "segment": TEXT, "mac_address": TEXT, "ip_addresses": list_of(TEXT)}, required=("id", "segment", "mac_address", "ip_addresses")
)
_RESERVATION: Schema = mapping(
    {
        "ticket": whole(least=1, most=MOST),
        "server": NOT_EMPTY,
        "host": NOT_EMPTY,
        "project": TEXT,
        "name": TEXT,
        "group": _NULL_OR_TEXT,
        "ports": list_of(_PORT),
        "amounts": by_name(whole(most=MOST)),
        "deadline": whole(most=MOST),
        "expires": whole(most=MOST),
        "released_at": _NULL_OR_NUMBER,
        "known_at": _NULL_OR_NUMBER,
    },
    required=("ticket", "server", "host", "project", "name", "ports", "amounts", "deadline", "expires"),
)
_BEGUN: Schema = open_mapping(
    {"ticket": _TICKET, "oldest": whole(most=MOST), "reservations": list_of(_RESERVATION), "tickets": list_of(_TICKET), "registrar": NOT_EMPTY},
    required=("ticket", "oldest", "reservations", "tickets", "registrar"),
)
_CONTENT: Schema = open_mapping(
    {
        "epoch": mapping({"number": whole(least=1, most=MOST), "id": NOT_EMPTY}, required=("number", "id")),
        "sequence": whole(most=MOST),
        "outrun": BOOLEAN,
        "tickets": list_of(_TICKET),
        "reservations": list_of(_RESERVATION),
    },
    required=("epoch", "sequence", "outrun", "tickets", "reservations"),
)
_REFUSED: Schema = open_mapping({"error_class": NOT_EMPTY, "message": TEXT}, required=("error_class", "message"))
_ANSWERS = {
    operation: open_mapping({"held": HELD, "answer": answer, "refused": _REFUSED}, required=("held",))
    for operation, answer in (("begin", _BEGUN), ("reservations", _CONTENT))
}


def faults(answer: object, operation: str) -> str:
    """What is wrong with a host's answer to ``begin`` or ``reservations``, as a sentence; empty if it is one."""
    return sentence(shape_check.faults(_ANSWERS[operation], answer))
