# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are a guest's ports plugged, and the wait until they are, while the guest is paused.

Follows ``nova/virt/libvirt/driver.py: _create_guest_with_network``: listen first, then look, so that no news are missed. What stands for Neutron's
``network-vif-plugged`` is the kernel's word: the tap is up, and its Linux bridge forwards; of macvtap the device below is up, because libvirt sets the
macvtap up with the guest's CPUs. Open vSwitch has its port before libvirt's start returns: it is asked at each look, and its own news are not listened to.
A port that is not where it belongs, or not filtered, is an error at once, whatever ``is_fatal`` says.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.places import Places
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.link_events import LinkEvents, LinkEventsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Late, Links
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Record

MOST_TIMEOUT_S = 86400


@dataclasses.dataclass(frozen=True)
class Patience:
    """Nova's ``vif_plugging_timeout`` and ``vif_plugging_is_fatal``."""

    timeout_s: float = 300.0  # 0: nothing is waited for
    is_fatal: bool = True  # a port that is not plugged by then fails the build

    def check(self) -> None:
        """ServerError (InvalidInput) if that is no time to wait."""
        if not 0 <= self.timeout_s <= MOST_TIMEOUT_S:
            raise ServerError("InvalidInput", f"vif_plugging_timeout_s: {self.timeout_s:g} must not be less than 0 or more than {MOST_TIMEOUT_S}")


class Plugging:
    """The ports of the guests of one call."""

    def __init__(self, hypervisor: HypervisorLike, links: Links, patience: Patience) -> None:
        self._hypervisor, self._patience = hypervisor, patience
        self.links = links
        self.link_events: t.Callable[[], LinkEventsLike] = LinkEvents
        self.places = Places(1)  # who waits gives up his

    def look(self, record: Record) -> t.List[str]:
        """A sentence for each port whose frames will not pass soon; VirtualInterfacePlugException if one is not plugged at all."""
        interfaces = self._hypervisor.live_interfaces(record["uuid"])
        late = ports.check_plugged(record["ports"], interfaces, self.links)
        ports.check_bound(record["ports"], interfaces, self._hypervisor.bound_filter)
        return _told(late)

    def wait(self, record: Record) -> t.List[str]:
        """The same, after the wait; VirtualInterfacePlugException if that was in vain, and is fatal."""
        patience = self._patience
        with self.link_events() as events:
            deadline = time.monotonic() + patience.timeout_s
            interfaces = self._hypervisor.live_interfaces(record["uuid"])
            late = ports.check_plugged(record["ports"], interfaces, self.links)
            if late and patience.timeout_s:
                with self.places.given_up():
                    while late and events.wait(deadline - time.monotonic()):
                        late = ports.check_plugged(record["ports"], interfaces, self.links)
        if late and patience.timeout_s and patience.is_fatal:
            why = "; ".join(item.reason for item in late)
            raise ServerError("VirtualInterfacePlugException", f"{why}; waited for {patience.timeout_s:g} s", reschedule=True)
        # Now: whoever has taken a filter away meanwhile must not leave the guest open.
        ports.check_bound(record["ports"], interfaces, self._hypervisor.bound_filter)
        return _told(late, f" after {patience.timeout_s:g} s") if patience.timeout_s else _told(late)


def _told(late: t.Iterable[Late], waited: str = "") -> t.List[str]:
    """What comes by itself is only worth a word after a wait."""
    return [f"{item.reason}{waited}; the guest runs all the same" for item in late if waited or not item.is_on_its_way]
