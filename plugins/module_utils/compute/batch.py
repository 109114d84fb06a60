# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a host's servers in one call: claims one after another under the host's lock, builds in parallel. What each server's work does is its transition's."""

from __future__ import annotations

import contextlib
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kvmfleet.compute.plugins.module_utils import ssh_banner
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import build_failures, console
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import BUILD, missing_fields
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import outcome
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.places import Places
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.table import BUILDING, CLAIMING, TRANSITIONS, WAITING
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, KvmfleetError, ServerError, unexpected
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ways_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, Order, Outcome

WAITERS = 64  # servers that are waited for at once
HOST = "host"  # a value of the option wait_from


def _failed(order: Order, what: str, stage: str, error: Error) -> Outcome:
    return outcome(order["instance"]["uuid"], order["instance"]["display_name"], what, stage, error=error)


def _unclaimed(order: Order, error: KvmfleetError) -> Outcome:
    """No claim was even asked for. Who has none here may go to another host; who has a domain here stays."""
    if order["action"] != BUILD:
        return _failed(order, "unknown", "claim", error.as_dict())
    elsewhere = error.reschedule or isinstance(error, HypervisorError)
    return _failed(order, "refused", "claim", {**error.as_dict(), "reschedule": elsewhere})


def not_begun(orders: t.Iterable[Order], state: str, error: HypervisorError) -> t.List[Outcome]:
    """The outcomes of a call in which libvirt was lost before the first server's turn; ``state``: what was asked for."""
    if state == "claimed":
        return [_unclaimed(order, error) for order in orders]
    if state == "absent":
        return [_failed(order, "failed", "delete", error.as_dict()) for order in orders]
    return [_failed(order, "unknown", "delete" if state == "released" else "build", error.as_dict()) for order in orders]


class Batch:
    """One call's servers on one host. Every method returns outcomes in the order of the servers."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self.warnings: t.List[str] = []

    def _attempt(self, transition: Transition, order: Order) -> Outcome:
        """The outcome of a server's transition, timed. Whatever is raised is this server's failure, never its neighbours'.

        An error of the family is the server's answer, unless it says that the outcome is unknown. What nobody expected is ``failed`` if no domain was
        defined yet, and ``unknown`` from then on.
        """
        begin = time.monotonic()
        try:
            result = transition.run(self._builder, order)
        except KvmfleetError as error:
            result = _failed(order, "unknown" if error.unknown else transition.refused, transition.stage, error.as_dict())
        except Exception as error:
            defined = transition.starts_from or order["instance"]["uuid"] in self._builder.defining
            result = _failed(order, "unknown" if defined else "failed", transition.stage, unexpected(error))
        result["seconds"][transition.stage] = round(time.monotonic() - begin, 3)
        return result

    def claim(self, orders: t.List[Order]) -> t.List[Outcome]:
        """Take every server's claim, each seeing the ones before it."""
        results: t.List[Outcome] = []
        if not orders:
            return results
        try:
            with self._builder.claims():
                results.extend(self._claim(order) for order in orders)
        except KvmfleetError as error:
            # The host's lock was not free, or its domains could not be read: nobody's claim was taken.
            results.extend(_unclaimed(order, error) for order in orders[len(results) :])
        except Exception as error:
            results.extend(_failed(order, "failed", "claim", unexpected(error)) for order in orders[len(results) :])
        return results

    def _claim(self, order: Order) -> Outcome:
        transition = CLAIMING.get(order["action"])
        if transition is None:
            return outcome(order["instance"]["uuid"], order["instance"]["display_name"], "unchanged", "claim")
        return self._attempt(transition, order)

    def _is_claimed(self, order: Order) -> bool:
        """True if there is something to build, or nothing to claim it by. What can't be read here is the build's to report."""
        if order["action"] != BUILD or missing_fields(order):
            return True
        try:
            domain = self._builder.hypervisor.find(order["instance"]["uuid"])
        except Exception:
            return True
        return domain is not None and domain["record"] is not None

    def activate(self, orders: t.List[Order], *, max_concurrent_builds: int, wait_for: str, wait_timeout_s: float, wait_from: str = HOST) -> t.List[Outcome]:
        """Build, finish or start every server, ``max_concurrent_builds`` at once, then wait for all of them together.

        A server that no claim was taken for is claimed first. ``wait_from``: who asks for the SSH of a server that others than its host reach.
        """
        check_mode = self._builder.check_mode
        results: t.Dict[str, Outcome] = {}
        unclaimed = [] if check_mode else [order for order in orders if not self._is_claimed(order)]
        for claimed in self.claim(unclaimed):
            if claimed["error"]:
                results[claimed["uuid"]] = claimed
        waiting = [order for order in orders if order["instance"]["uuid"] not in results]
        at_once = max(1, max_concurrent_builds)
        self._builder.plugging.places = Places(at_once)
        if not check_mode:
            with ThreadPoolExecutor(max_workers=at_once) as pool:
                list(pool.map(self._renew, waiting[at_once:]))
        # A thread for each: a guest whose ports are waited for does not keep the next one from its build.
        with ThreadPoolExecutor(max_workers=max(1, len(waiting))) as pool:
            built = list(pool.map(self._build, waiting))
        results.update({result["uuid"]: result for result in built})
        if not check_mode:
            self._count(built)
            self._wait([order for order in waiting if not results[order["instance"]["uuid"]]["error"]], results, wait_for, wait_timeout_s, wait_from)
        return [results[order["instance"]["uuid"]] for order in orders]

    def _build(self, order: Order) -> Outcome:
        with self._builder.plugging.places.taken():
            return self._attempt(BUILDING[order["action"]], order)

    def _renew(self, order: Order) -> None:
        """A server that waits for its turn is still its run's. Whatever fails here is the build's to report."""
        transition = WAITING.get(order["action"])
        with contextlib.suppress(Exception):
            if transition is not None:
                transition.run(self._builder, order)

    def _count(self, built: t.List[Outcome]) -> None:
        """Tell the BuildFailureWeigher; that its counter can't be written is no server's failure."""
        failed = sum(1 for result in built if result["error"])
        try:
            build_failures.count(self._builder.host.state_path, failed, sum(1 for result in built if result["outcome"] == "built"))
        except OSError as error:
            self.warnings.append(f"the host's counter of failed builds can't be written: {error}")

    def _wait(self, orders: t.List[Order], results: t.Dict[str, Outcome], wait_for: str, timeout_s: float, wait_from: str) -> None:
        if wait_for == "active" or not orders:
            return
        with ThreadPoolExecutor(max_workers=min(WAITERS, len(orders))) as pool:
            for order, waited in zip(orders, pool.map(lambda order: self._waited(order, wait_for, timeout_s, wait_from), orders)):
                result = results[order["instance"]["uuid"]]
                result["seconds"].update(waited["seconds"])
                if waited["error"]:
                    result.update({"outcome": waited["outcome"], "stage": "wait", "error": waited["error"]})
                    result["console"] = console.tail(self._builder.console_log(result["uuid"]))

    def _waited(self, order: Order, wait_for: str, timeout_s: float, wait_from: str) -> Outcome:
        """Wait for cloud-init's last word on the console, or for SSH; nothing is undone at the time-out."""
        begin = time.monotonic()
        uuid = order["instance"]["uuid"]
        result = outcome(uuid, order["instance"]["display_name"], "built", "wait")
        try:
            deadline = begin + timeout_s
            missed = self._missed_ssh(uuid, deadline, wait_from) if wait_for == "ssh" else self._missed_cloud_init(uuid, deadline)
            if missed:
                raise ServerError("WaitTimeout", f"{missed} within {timeout_s:.0f} s; the server is left as it is")
        except KvmfleetError as error:
            result = _failed(order, "unknown" if error.unknown else "failed", "wait", error.as_dict())
        except Exception as error:
            result = _failed(order, "unknown", "wait", unexpected(error))
        result["seconds"]["wait"] = round(time.monotonic() - begin, 3)
        return result

    def _missed_cloud_init(self, uuid: str, deadline: float) -> t.Optional[str]:
        """What did not come until the deadline (monotonic s); None if it did."""
        hypervisor, log = self._builder.hypervisor, self._builder.console_log(uuid)
        done = console.wait_for(log, console.CLOUD_INIT_DONE, deadline, lambda: hypervisor.power_state(uuid) in ("running", "blocked", "paused"))
        return None if done else "cloud-init has not finished"

    def _missed_ssh(self, uuid: str, deadline: float, wait_from: str) -> t.Optional[str]:
        """The same, of SSH from this host, if nobody else asks for it."""
        owned = self._builder.look_up(uuid)
        ports = owned.record["ports"] if owned else []
        is_only_by_host = ways_in.is_only_by_host(ports)
        if wait_from != HOST and not is_only_by_host:
            return None
        ways = [*ways_in.direct(ports), *ways_in.by_host(ports)]
        if is_only_by_host and not ways:
            raise ServerError("WaitTimeout", "nobody can log in to it, as no port of its host leads to its SSH; the server is left as it is")
        return None if ssh_banner.wait(ways, deadline) else "no SSH banner from the host"

    def delete(self, orders: t.List[Order], max_concurrent_builds: int) -> t.List[Outcome]:
        """Delete every server; one that does not exist is unchanged."""
        return self._all("delete", orders, max_concurrent_builds)

    def release(self, orders: t.List[Order], max_concurrent_builds: int) -> t.List[Outcome]:
        """Give up every claim of this run; what is none is unchanged."""
        return self._all("release", orders, max_concurrent_builds)

    def _all(self, transition: str, orders: t.List[Order], at_once: int) -> t.List[Outcome]:
        with ThreadPoolExecutor(max_workers=max(1, at_once)) as pool:
            return list(pool.map(lambda order: self._attempt(TRANSITIONS[transition], order), orders))
