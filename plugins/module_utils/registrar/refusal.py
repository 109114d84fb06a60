# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why the registrar refuses a whole call; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger


class Refused(KvmfleetError):
    """The registrar grants nothing (LedgerLost, LedgerStale, LedgerLocked, LedgerUnavailable, LedgerUnreadable, EpochOver, EpochForeign, EpochIncomplete,
    EpochUnreadable, TicketOver).

    ``ledger`` is what has to be kept of the call all the same, if anything has.
    """

    def __init__(self, error_class: str, message: str, ledger: t.Optional[Ledger] = None) -> None:
        super().__init__(error_class, message)
        self.ledger = ledger
