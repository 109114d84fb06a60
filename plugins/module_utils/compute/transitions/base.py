# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every transition has: the states that it leads from and to, and its steps, each a function."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import outcome
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, Order, Outcome, Record
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import InstanceFiles

RUNNING = ("running", "blocked")  # power states of a guest whose CPUs go


@dataclasses.dataclass
class Work:
    """One server under a transition's steps."""

    builder: Builder
    order: Order
    record: Record
    xml: str = ""  # rendered, not yet defined
    domain: t.Optional[Domain] = None  # as it was found
    held_by_another: bool = False  # another process works on it all the same
    power_state: t.Optional[str] = None  # as libvirt said last
    started_paused: bool = False  # by this work: it may be stopped again
    foreign_files: t.List[str] = dataclasses.field(default_factory=list)  # what stays
    warnings: t.List[str] = dataclasses.field(default_factory=list)  # what is not as it was asked for, as sentences
    seconds: t.Dict[str, float] = dataclasses.field(default_factory=dict)  # of steps that are a stage of the chain

    @property
    def uuid(self) -> str:
        """The server's id."""
        return self.record["uuid"]

    @property
    def files(self) -> InstanceFiles:
        """Its paths."""
        return self.builder.host.files(self.record)

    @property
    def journal(self) -> Journal:
        """What was made for it."""
        return self.builder.host.journal(self.uuid)


Step = t.Callable[[Work], None]


class Transition:
    """One way from state to state; ``TRANSITIONS`` has them all."""

    name = ""  # and the file's name
    stage = ""  # of its outcomes
    starts_from: t.Tuple[str, ...] = ()  # vm_state; none: the server does not exist
    ends_in: t.Optional[str] = None  # vm_state; None: the server does not exist
    done = ""  # the outcome if all is well
    refused = "failed"  # the outcome of an error that is an answer
    steps: t.Tuple[Step, ...] = ()  # what an error undoes, as far as the transition can
    lasting: t.Tuple[Step, ...] = ()  # once the steps are done nothing is undone: an error here leaves the outcome unknown

    def run(self, builder: Builder, order: Order) -> Outcome:
        """Take one server through; KvmfleetError if that fails."""
        raise NotImplementedError

    def last(self, work: Work, steps: t.Iterable[Step]) -> None:
        """Steps whose error undoes nothing, and leaves the outcome unknown."""
        try:
            for step in steps:
                step(work)
        except (KvmfleetError, OSError) as error:
            answer = as_server_error(self.name, error)
            raise ServerError(answer.error_class, answer.message, unknown=True) from error

    def outcome(self, order: Order, *, what: t.Optional[str] = None, changed: bool = False, power_state: t.Optional[str] = None) -> Outcome:
        """An outcome of this transition without an error."""
        instance = order["instance"]
        return outcome(instance["uuid"], instance["display_name"], what or self.done, self.stage, changed=changed, power_state=power_state)

    def outcome_of(self, work: Work) -> Outcome:
        """The outcome of what was done, with what the steps have to say."""
        result = self.outcome(work.order, changed=True, power_state=work.power_state)
        result["seconds"].update(work.seconds)
        if work.warnings:
            result["warnings"] = work.warnings
        ssh_ports = {port["id"]: port["binding"]["ssh_port"] for port in work.record["ports"] if "ssh_port" in port["binding"]}
        if ssh_ports:
            result["ssh_ports"] = ssh_ports
        return result


def as_server_error(what: str, error: Exception) -> KvmfleetError:
    """An error as one of the server's; what libvirt or the operating system refused here may do better on another host."""
    if isinstance(error, OSError):
        return ServerError("OSError", f"{what}: {error}", reschedule=True)
    if isinstance(error, ServerError):
        return error
    if isinstance(error, KvmfleetError):
        return ServerError(error.error_class, f"{what}: {error.message}", reschedule=True, unknown=error.unknown)
    return ServerError(type(error).__name__, f"{what}: {error}", unknown=True)
