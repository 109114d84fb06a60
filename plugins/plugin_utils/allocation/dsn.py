# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection string of PostgreSQL says, or a refusal that says nothing of it."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused

UNREADABLE = (
    "compute_registrar_dsn is no connection string of PostgreSQL's, such as postgresql://user:password@host/database; special characters of a password have "
    "to be percent-encoded in it"
)


def parameters(dsn: str) -> dict[str, str]:
    """The parameters by libpq's names. It needs psycopg.

    Refused (LedgerUnavailable) if it can't be read, or if a part of a password may stand where a host, port or database does: libpq would say it aloud.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        given: dict[str, t.Any] = conninfo_to_dict(dsn)
    except ProgrammingError:
        raise Refused("LedgerUnavailable", UNREADABLE) from None
    found = {name: str(value) for name, value in given.items()}
    hosts, ports = (found.get(name, "").split(",") for name in ("host", "port"))
    if (
        "@" in found.get("dbname", "")
        or any("@" in host or ("/" in host[1:] and host[0] != "/") for host in hosts)
        or any(port and not port.isdecimal() for port in ports)
    ):
        raise Refused("LedgerUnavailable", UNREADABLE)
    return found
