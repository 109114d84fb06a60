# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a host's servers in one call: claims one after another under the host's lock, builds in parallel."""

from __future__ import annotations

import datetime
import functools
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import build, build_failures, console, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.build import Host, Secrets
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_report import add_disk_sizes
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import outcome
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, HypervisorError

MOST_WAITING = 64


def _server(order: dict[str, t.Any]) -> dict[str, t.Any]:
    """The instance of an order, with what is to be done; of a server that goes its uuid is enough."""
    if "instance" not in order:
        return dict(order, action="none")
    return dict(order["instance"], action=order.get("action") or "build", group_hosts=order.get("group_hosts") or [])


class Batch:
    """One call's servers on one host. Every method returns outcomes (docs/data.md) in the order of the servers."""

    def __init__(
        self,
        hypervisor: Hypervisor,
        host: Host,
        *,
        secrets: dict[str, Secrets],
        run: dict[str, t.Any],
        force_take_over: bool,
        check_mode: bool,
    ) -> None:
        self._hypervisor = hypervisor
        self._host = host
        self._secrets = secrets
        self._run = run
        self._force = force_take_over
        self._check = check_mode
        self.diffs: list[dict[str, str]] = []

    def _secrets_of(self, server: dict[str, t.Any]) -> Secrets:
        return self._secrets.get(server["uuid"], Secrets())

    def _attempt(self, server: dict[str, t.Any], stage: str, work: t.Callable[[], dict[str, t.Any]], bad: str = "failed") -> dict[str, t.Any]:
        """The outcome of ``work``, timed; ``bad`` is what a failure of it is called."""
        begin = time.monotonic()
        try:
            result = work()
        except ServerError as error:
            result = outcome(server, bad, stage, error=error.as_dict())
        except HypervisorError as error:
            # What libvirt did before it went away is not known, so no other host may try.
            result = outcome(server, "unknown", stage, error=ServerError("LibvirtError", str(error)).as_dict())
        result["seconds"][stage] = round(time.monotonic() - begin, 3)
        return result

    # claims

    def _claim(self, server: dict[str, t.Any], domains: list[dict[str, t.Any]], now: str) -> dict[str, t.Any]:
        action = server["action"]
        if action in ("none", "start"):
            return outcome(server, "unchanged", "claim")
        if action == "finish":
            build.take_over(self._hypervisor, self._host, server["uuid"], self._run, self._force, self._check)
            return outcome(server, "claimed", "claim", changed=True)
        record = build.new_record(self._host, server, self._secrets_of(server), self._run, now)
        xml = build.take(self._hypervisor, self._host, server, domains, record, self._check)
        self.diffs.append({"before_header": "no domain", "after_header": server["domain_name"], "before": "", "after": xml})
        return outcome(server, "claimed", "claim", changed=True)

    def claim(self, servers: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        """Take every server's claim, each seeing the ones before it."""
        return self._claim_servers([_server(order) for order in servers])

    def _claim_servers(self, servers: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
        if not servers:
            return []
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self._check:
            return self._claim_all(servers, now)
        with locks.host_lock(self._host.state_path):
            return self._claim_all(servers, now)

    def _claim_all(self, servers: list[dict[str, t.Any]], now: str) -> list[dict[str, t.Any]]:
        domains = self._hypervisor.domains()
        add_disk_sizes(self._hypervisor, domains, self._host.instances_path)
        return [self._attempt(server, "claim", functools.partial(self._claim, server, domains, now), bad="refused") for server in servers]

    # builds

    def _drift(self, server: dict[str, t.Any]) -> list[dict[str, str]]:
        """Which secrets of an existing server differ from what is asked; their values are never shown."""
        domain = self._hypervisor.find(server["uuid"]) or {}
        kept = (domain.get("record") or {}).get("secrets") or {}
        asked = build.hashes(self._host, server["uuid"], self._secrets_of(server))
        drift = []
        if kept.get("user_data") != asked["user_data"]:
            drift.append({"path": "user_data", "wanted": "<hidden>", "actual": "<hidden>"})
        if asked["admin_pass"] is not None and kept.get("admin_pass") != asked["admin_pass"]:
            drift.append({"path": "adminPass", "wanted": "<hidden>", "actual": "<hidden>"})
        return drift

    def _build(self, server: dict[str, t.Any]) -> dict[str, t.Any]:
        action = server["action"]
        if action == "none":
            result = outcome(server, "unchanged", "build", power_state="running")
            result["drift"] = self._drift(server)
            return result
        if action == "start":
            state = "running" if self._check else build.start(self._hypervisor, self._host, server)
            result = outcome(server, "started", "build", changed=True, power_state=state)
            result["drift"] = self._drift(server)
            return result
        if self._check:
            return outcome(server, "built", "build", changed=True)
        state = build.build(self._hypervisor, self._host, server, self._secrets_of(server), self._run)
        return outcome(server, "built", "build", changed=True, power_state=state)

    def _is_claimed(self, server: dict[str, t.Any]) -> bool:
        if server["action"] != "build":
            return True
        domain = self._hypervisor.find(server["uuid"])
        return domain is not None and domain["record"] is not None

    def activate(self, servers: list[dict[str, t.Any]], *, max_concurrent_builds: int, wait_for: str, wait_timeout_s: float) -> list[dict[str, t.Any]]:
        """Build, finish or start every server, ``max_concurrent_builds`` at once, then wait for all of them together.

        A server that no claim was taken for is claimed first.
        """
        servers = [_server(order) for order in servers]
        results: dict[str, dict[str, t.Any]] = {}
        unclaimed = [] if self._check else [server for server in servers if not self._is_claimed(server)]
        for server, claimed in zip(unclaimed, self._claim_servers(unclaimed)):
            if claimed["error"]:
                results[server["uuid"]] = claimed
        todo = [server for server in servers if server["uuid"] not in results]
        with ThreadPoolExecutor(max_workers=max(1, max_concurrent_builds)) as pool:
            for server, built in zip(todo, pool.map(lambda item: self._attempt(item, "build", lambda: self._build(item)), todo)):
                results[server["uuid"]] = built
        if not self._check:
            failed = sum(1 for result in results.values() if result["stage"] == "build" and result["error"])
            build_failures.count(self._host.state_path, failed, sum(1 for result in results.values() if result["outcome"] == "built"))
            self._wait([server for server in todo if not results[server["uuid"]]["error"]], results, wait_for, wait_timeout_s)
        return [results[server["uuid"]] for server in servers]

    def _wait(self, servers: list[dict[str, t.Any]], results: dict[str, dict[str, t.Any]], wait_for: str, timeout_s: float) -> None:
        if wait_for == "active" or not servers:
            return

        def waited(server: dict[str, t.Any]) -> dict[str, t.Any]:
            def work() -> dict[str, t.Any]:
                build.wait(self._hypervisor, self._host, server, wait_for, timeout_s)
                return outcome(server, "built", "wait")

            return self._attempt(server, "wait", work)

        with ThreadPoolExecutor(max_workers=min(MOST_WAITING, len(servers))) as pool:
            for server, result in zip(servers, pool.map(waited, servers)):
                built = results[server["uuid"]]
                built["seconds"].update(result["seconds"])
                if result["error"]:
                    built.update(outcome="failed", stage="wait", error=result["error"])
                    built["console"] = console.tail(self._host.files(server["uuid"]).console_log)

    # the end

    def _delete(self, server: dict[str, t.Any]) -> dict[str, t.Any]:
        foreign: list[str] = []
        if self._check:
            changed = self._hypervisor.find(server["uuid"]) is not None
        else:
            changed, foreign = build.delete(self._hypervisor, self._host, server["uuid"])
        result = outcome(server, "deleted" if changed else "unchanged", "delete", changed=changed)
        result["foreign_files"] = foreign
        return result

    def delete(self, servers: list[dict[str, t.Any]], max_concurrent_builds: int) -> list[dict[str, t.Any]]:
        """Delete every server; one that is not there is unchanged."""
        servers = [_server(order) for order in servers]
        with ThreadPoolExecutor(max_workers=max(1, max_concurrent_builds)) as pool:
            return list(pool.map(lambda server: self._attempt(server, "delete", lambda: self._delete(server)), servers))
