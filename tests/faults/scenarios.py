# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each transition: how a host comes to where it starts, its call, and the next run, which heals what a fault has left."""

from __future__ import annotations

import typing as t
import uuid as uuid_library

from ansible_collections.kvmfleet.compute.tests.unit import make

from .hypervisor import Answer, Call, Hypervisor
from .images import Image, asked_for
from .servers import Server

Fault = dict[str, t.Any]


class Scenario:
    """One server that meets a fault."""

    state, action = "active", "build"
    holds_the_host = False  # its lock for claims: who comes waits

    def __init__(self, host: Hypervisor, image: Image) -> None:
        self.host = host
        self.server = Server(host, image)
        self.pattern = ""

    def prepare(self) -> None:
        """Bring the host to where the transition starts."""

    def begin(self, fault: Fault | None) -> Call:
        """The transition's call, not waited for."""
        return self.server.begin(self.state, self.action, fault)

    def call(self, fault: Fault | None) -> Answer:
        return self.begin(fault).answer()

    def another_run(self) -> t.Iterator[Answer]:
        """What another controller's run gets that comes in the middle; it began when this returns."""
        server = self.server.as_another_run_sees_it()
        state, action = (
            (self.state, server.action) if self.state != "active" else ("claimed" if server.action in ("build", "finish") else "active", server.action)
        )
        call = server.begin(state, action)
        return (one.answer() for one in (call,))

    def heal(self) -> None:
        """The next run, after which all must be well."""
        outcome = self.server.next_run()
        assert outcome["outcome"] in ("built", "started", "unchanged"), outcome
        self.check_runs()

    def check_runs(self) -> None:
        """One domain of this name, and it runs."""
        domains = self.host.census().domains
        named = [uuid for uuid, domain in domains.items() if domain["name"].startswith(f"{self.server.instance['display_name']}-")]
        assert named == [self.server.uuid], f"domains of the server: {named}"
        assert domains[self.server.uuid]["power_state"] == "running", domains[self.server.uuid]
        self.check_written()

    def check_written(self) -> None:
        """What the guest has written is there."""
        if self.pattern:
            assert self.server.read(len(self.pattern)) == self.pattern, "what the guest had written is gone"

    def remove(self) -> None:
        """Delete it."""
        self.server.well("absent")

    def _written(self) -> None:
        """A guest that is off, and has written."""
        self.pattern = uuid_library.uuid4().hex
        self.server.switch_off()
        self.server.write(self.pattern)


class Claiming(Scenario):
    """No server becomes one that is claimed, on a host of a fleet with a registrar."""

    state = "claimed"
    holds_the_host = True

    def prepare(self) -> None:
        self.server.epoch = dict(make.epoch(registrar="elsewhere"))
        self.host.enrol(self.server.epoch)

    def remove(self) -> None:
        super().remove()
        self.host.enrol(None)


class TakingOver(Scenario):
    """A claim of a dead run."""

    state, action = "claimed", "finish"
    holds_the_host = True

    def prepare(self) -> None:
        self.server.well("claimed")
        assert self.server.looked_up() == self.action


class Building(Scenario):
    """A claim is built."""

    def prepare(self) -> None:
        self.server.well("claimed")


class Renewing(Building):
    """A claim waits for its turn while another server is built in the same call."""

    def __init__(self, host: Hypervisor, image: Image) -> None:
        super().__init__(host, image)
        self.first = Server(host, image, "first")
        self.first.run = self.server.run

    def prepare(self) -> None:
        self.first.well("claimed")
        super().prepare()

    def begin(self, fault: Fault | None) -> Call:
        orders = [server.order(self.action) for server in (self.first, self.server)]
        return self.server.begin(self.state, self.action, fault, servers=orders, max_concurrent_builds=1)

    def heal(self) -> None:
        self.first.next_run()
        super().heal()

    def remove(self) -> None:
        self.first.well("absent")
        super().remove()


class Adopting(Scenario):
    """A build that was killed when its guest ran; the guest has written, and is off."""

    action = "finish"

    def prepare(self) -> None:
        self.server.well("claimed")
        killed = self.server.call("active", "build", {"step": "build.resume", "what": "kill", "kind": "after", "index": 0, "lasting": False})
        assert killed.result is None, killed
        self._written()
        assert self.server.looked_up() == self.action
        self.server.well("claimed", "finish")


class Starting(Scenario):
    """A server that is off, and whose guest has written."""

    action = "start"

    def prepare(self) -> None:
        self.server.made()
        self._written()


class Deleting(Scenario):
    """A server that runs is deleted; the next run deletes it again."""

    state, action = "absent", "none"

    def prepare(self) -> None:
        self.server.made()

    def heal(self) -> None:
        self.remove()


class Fetching(Scenario):
    """An image comes into the cache; it is removed from it afterwards."""

    holds_the_host = True  # in a way: who wants the same image waits

    def __init__(self, host: Hypervisor, image: Image) -> None:
        super().__init__(host, image)
        self.image = image

    def begin(self, fault: Fault | None) -> Call:
        return self.host.begin("image", fault, images=[asked_for(self.image)], on_error="report")

    def prepare(self) -> None:
        self.remove()

    def another_run(self) -> t.Iterator[Answer]:
        call = self.begin(None)
        return (one.answer() for one in (call,))

    def heal(self) -> None:
        result = self.call(None).result
        assert result is not None
        assert result["images"][0]["error"] is None, result
        digest = self.host.run("sha256sum", result["images"][0]["path"]).split()[0]
        assert self.image["checksum"] == f"sha256:{digest}"

    def remove(self) -> None:
        path = f"/var/lib/libvirt/kvmfleet/images/sha256-{self.image['checksum'].partition(':')[2]}"
        self.host.run("rm", "-f", path, f"{path}.json")


SCENARIOS: dict[tuple[str, str], type[Scenario]] = {
    ("claim", "steps"): Claiming,
    ("take_over", "steps"): TakingOver,
    ("renew", "steps"): Renewing,
    ("build", "steps"): Building,
    ("build", "lasting"): Building,
    ("build", "adopting"): Adopting,
    ("start", "steps"): Starting,
    ("start", "lasting"): Starting,
    ("delete", "steps"): Deleting,
    ("fetch", "steps"): Fetching,
    ("publish", "steps"): Fetching,
}
