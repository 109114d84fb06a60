# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claim: the domain is defined, in the state building; the caller holds the host's lock (``Builder.claims``).

Follows ``nova/compute/resource_tracker.py: instance_claim``.
"""

from __future__ import annotations

import os
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import claim
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import left_s
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import missing_fields
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition, Work, as_server_error
from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import record_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import grant as grants
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Origin, Outcome
from ansible_collections.kvmfleet.compute.plugins.module_utils.timestamp import timestamp

LATE = "ClaimLate"


def check_grant(work: Work) -> None:
    """Refuse a run that wasn't granted its claims, or not in the epoch that the host holds. In check mode nothing is granted."""
    builder = work.builder
    if not builder.check_mode:
        grants.check_grant(state_file.read(builder.host.state_path), builder.grant)


def check(work: Work) -> None:
    """Refuse what the host can't take beside all that is there, the claims before it included."""
    host = work.builder.host
    claim.check(work.order, host.name, host.resources, work.builder.domains)


def check_folder(work: Work) -> None:
    """Its folder must not exist: what lies there is not ours."""
    folder = work.files.folder
    if os.path.lexists(folder):
        raise ServerError("PathExists", f"{folder} exists already and is not of this build; it is left alone", reschedule=True)


def render(work: Work) -> None:
    """The domain's XML with the record in it."""
    work.xml = work.builder.render(work.record)


def check_in_time(work: Work) -> None:
    """Refuse what is past its deadline."""
    if _is_late(work):
        raise ServerError(LATE, _why_late(work), reschedule=True)


def note_ticket(work: Work) -> None:
    """That the ledger has drawn this ticket is known here before there is a claim of it: a ledger that is restored from a backup is noticed by that."""
    grant, state_path = work.builder.grant, work.builder.host.state_path
    if grant is None or work.builder.check_mode:
        return
    state = state_file.read(state_path)
    if state.highest_ticket < grant["ticket"]:
        try:
            state_file.write(state_path, state._replace(highest_ticket=grant["ticket"]))
        except OSError as error:
            raise as_server_error("note_ticket", error) from error


def define(work: Work) -> None:
    """The claim itself."""
    if work.builder.check_mode:
        return
    work.builder.defining.add(work.uuid)
    try:
        work.builder.hypervisor.define(work.xml)
    except HypervisorError as error:
        if not error.sent:
            raise ServerError(error.error_class, f"define: {error.message}", reschedule=True) from error
        refused = as_server_error("define", error)
        if not refused.unknown and not _is_absent(work):
            raise ServerError(refused.error_class, f"{refused.message}; the domain may be there all the same", unknown=True) from error
        raise refused from error


def _is_absent(work: Work) -> bool:
    """True if libvirt says that there is no such domain."""
    try:
        return work.builder.hypervisor.find(work.uuid) is None
    except HypervisorError:
        return False


def withdraw_if_late(work: Work) -> None:
    """What became a claim past its deadline is none: the registrar may have granted its name and addresses to another since."""
    if not _is_late(work):
        return
    hypervisor = work.builder.hypervisor
    try:
        hypervisor.undefine(work.uuid)
        is_there = hypervisor.find(work.uuid) is not None
    except HypervisorError as error:
        raise ServerError(LATE, f"{_why_late(work)}; the domain may be there all the same: {error}", unknown=True) from error
    raise ServerError(LATE, f"{_why_late(work)}{'; the domain is still there' if is_there else ''}", reschedule=True, unknown=is_there)


def _is_late(work: Work) -> bool:
    grant = work.builder.grant
    return grant is not None and left_s(grant["deadline"], work.builder.time()) == 0


def _why_late(work: Work) -> str:
    return f"{work.record['display_name']} is claimed too late: what the registrar had granted for it has run out on this host"


def count(work: Work) -> None:
    """The claims after it see it."""
    work.builder.domains.append(parse_domain(work.xml, "shutdown"))
    header = work.record["domain_name"]
    work.builder.diffs.append({"before_header": "no domain", "after_header": header, "before": "", "after": _readable(work.xml)})


def _readable(xml: str) -> str:
    """With an element on each line; the record's texts stay as they are."""
    element = ET.fromstring(xml)
    ET.indent(element)
    return ET.tostring(element, encoding="unicode") + "\n"


def _origin(builder: Builder, order: Order) -> t.Optional[Origin]:
    """What the run says of itself, with the owner that every server has."""
    origin = builder.origin
    return None if origin is None else {**origin, "owner": origin["owner"] or order["instance"]["user_id"]}


def _expires_at(builder: Builder, now: float) -> t.Optional[str]:
    """The end of its time. A host whose clock is behind must not shorten it: once that is put right, the end would have passed."""
    origin = builder.origin
    return timestamp(max(now, origin["asked_at"]) + origin["ttl_s"]) if origin and origin["ttl_s"] else None


class Claim(Transition):
    """No server becomes one that is being built."""

    name = "claim"
    stage = "claim"
    ends_in = "building"
    done = "claimed"
    refused = "refused"
    steps = (check_grant, check, check_folder, render, check_in_time, note_ticket, define, withdraw_if_late, count)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """Nothing but the define leaves a trace of the server, so that a refusal has nothing else to undo."""
        missing = missing_fields(order)
        if missing:
            name = order["instance"]["display_name"] or order["instance"]["uuid"]
            raise ServerError("InstanceNotFound", f"the claim of {name} is not on the host any more, and its order lacks {', '.join(missing)}")
        now = builder.wall_clock()
        uuid = order["instance"]["uuid"]
        hashes, folder = builder.secret_hashes(uuid), builder.host.folder(uuid)
        record = record_of(
            {**order["instance"], "ports": builder.on_host(order["instance"]["ports"])},
            vm_state="building",
            started=False,
            folder=folder,
            run=builder.run,
            lease=builder.lease(),
            created_at=timestamp(now),
            machine_type=None,
            secrets=hashes,
            origin=_origin(builder, order),
            expires_at=_expires_at(builder, now),
        )
        work = Work(builder, order, record)
        for step in self.steps:
            step(work)
        return self.outcome(order, changed=True)
