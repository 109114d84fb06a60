# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on the hypervisor that it runs on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import typing as t
import xml.etree.ElementTree as ET

import libvirt

STATES = {1: "running", 2: "blocked", 3: "paused", 5: "shutdown", 6: "crashed"}
# Folders of ours and of libvirt's in which nothing of a server may stay.
FOLDERS = ("/var/lib/libvirt/kvmfleet", "/var/lib/kvmfleet", "/etc/libvirt/qemu", "/run/libvirt/qemu", "/var/lib/libvirt/qemu", "/var/lib/libvirt/swtpm")
DHCP = "/run/kvmfleet/dhcp"
# libvirtd's own folder of each running guest, which stays after a power cut.
OF_LIBVIRT = "/var/lib/libvirt/qemu/domain-"
# What belongs to the host, and to no server.
HELD = tuple(f"/var/lib/kvmfleet/{name}.json{end}" for name in ("registrar", "security_groups") for end in ("", ".new"))
LOCKS = ("host", "filters", "networks")
OF_THE_HOST = (*(f"/var/lib/kvmfleet/locks/{name}" for name in LOCKS), "/var/lib/kvmfleet/secret.key", "/var/lib/kvmfleet/failed_builds", *HELD)


def opened() -> libvirt.virConnect:
    """libvirtd, which may be on its way up."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    for _try in range(300):
        with contextlib.suppress(libvirt.libvirtError):
            return libvirt.open("qemu:///system")
        time.sleep(0.1)
    return libvirt.open("qemu:///system")


def domain_of(domain: libvirt.virDomain) -> dict[str, t.Any]:
    root = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
    pid_file = f"/run/libvirt/qemu/{domain.name()}.pid"
    pid = None
    if domain.isActive():
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
    return {
        "name": domain.name(),
        "power_state": STATES.get(domain.state()[0], "nostate"),
        "pid": pid,
        "macs": [mac.get("address", "") for mac in root.findall("devices/interface/mac")],
        "disks": [source.get("file", "") for source in root.findall("devices/disk/source")],
    }


def _qemus() -> list[str]:
    """The domains' names of the QEMU processes that run, whoever knows of them."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            if os.path.basename(words[0]).startswith(b"qemu-system") and b"-name" in words:
                found.append(words[words.index(b"-name") + 1].decode().split(",")[0])
    return found


def network_filters(connection: libvirt.virConnect) -> list[str]:
    """Ours, those of ports before those of groups, which they refer to."""
    return sorted((found.name() for found in connection.listAllNWFilters() if found.name().startswith("kvmfleet-")), reverse=True)


def ip_sets() -> list[str]:
    """Ours."""
    return [
        name for name in subprocess.run(["ipset", "list", "-name"], capture_output=True, text=True, check=True).stdout.split() if name.startswith("kvmfleet-")
    ]


def packet_chains() -> list[tuple[str, str]]:
    """Ours, of nftables: (family, name)."""
    listed = json.loads(subprocess.run(["nft", "-j", "list", "chains"], capture_output=True, text=True, check=True).stdout)["nftables"]
    return [(item["chain"]["family"], item["chain"]["name"]) for item in listed if "chain" in item and item["chain"]["table"] == "kvmfleet"]


def _dnsmasqs() -> list[tuple[int, str]]:
    """The processes of ours that answer guests, each with its configuration."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            found += [(int(pid), word.decode()) for word in file.read().split(b"\0") if word.startswith(f"--conf-file={DHCP}/".encode())]
    return found


def _made_for_dhcp() -> tuple[list[str], list[str]]:
    """(network namespaces, links) of ours that they have."""
    namespaces = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    return [name for name in namespaces if name.startswith("kvmfleet-dhcp-")], [name for name in os.listdir("/sys/class/net") if name.startswith("kvd-")]


def dhcp_servers() -> list[str]:
    """What answers guests, with its files; their folder and the one above stay."""
    namespaces, links = _made_for_dhcp()
    files = [os.path.join(above, name) for above, folders, files in os.walk(DHCP) for name in (*folders, *files)]
    return [*files, *(f"dnsmasq {word}" for _pid, word in _dnsmasqs()), *(f"namespace {name}" for name in namespaces), *(f"link {name}" for name in links)]


def end_dhcp_servers() -> None:
    for pid, _word in _dnsmasqs():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    namespaces, links = _made_for_dhcp()
    for kind, names in (("link", links), ("netns", namespaces)):
        for name in names:
            subprocess.run(["ip", kind, "delete", name], capture_output=True, check=False)
    subprocess.run(["rm", "-rf", DHCP], check=True)


def things(connection: libvirt.virConnect) -> list[str]:
    found = [f"tap {name}" for name in os.listdir("/sys/class/net") if name.startswith(("tap", "vnet"))]
    found += [f"QEMU {name}" for name in _qemus()]
    found += [f"filter of {binding.portDev()}" for binding in connection.listAllNWFilterBindings()]
    found += [f"network filter {name}" for name in network_filters(connection)]
    found += [f"IP set {name}" for name in ip_sets()]
    found += [f"chain of nftables {family} {name}" for family, name in packet_chains()]
    found += dhcp_servers()
    for folder in FOLDERS:
        for above, folders, files in os.walk(folder):
            found += [os.path.join(above, name) for name in files]
            found += [os.path.join(above, name) for name in folders if above == "/var/lib/libvirt/kvmfleet/instances"]
    return [thing for thing in found if thing not in OF_THE_HOST and not thing.endswith(".lock") and not thing.startswith(OF_LIBVIRT)]


def remove_servers(connection: libvirt.virConnect, kept: list[str]) -> None:
    """Every server but those with these uuids, and what it left; what the host holds of a registrar, too."""
    for path in HELD:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    for domain in connection.listAllDomains():
        if domain.UUIDString() in kept:
            continue
        with contextlib.suppress(libvirt.libvirtError):
            domain.destroy()
        domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)
    for name in network_filters(connection):
        # A guest that is kept keeps its own.
        with contextlib.suppress(libvirt.libvirtError):
            connection.nwfilterLookupByName(name).undefine()
    for name in ip_sets():
        subprocess.run(["ipset", "destroy", name], capture_output=True, check=False)
    if not kept:
        for family in {family for family, _name in packet_chains()}:
            subprocess.run(["nft", "delete", "table", family, "kvmfleet"], capture_output=True, check=False)
    end_dhcp_servers()
    for folder in ("/var/lib/libvirt/kvmfleet/instances", "/var/lib/kvmfleet/journal", "/var/lib/kvmfleet/locks"):
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if name not in (*kept, *LOCKS):
                subprocess.run(["rm", "-rf", os.path.join(folder, name)], check=True)


def census(kept: list[str] | None, no_files: bool = False) -> dict[str, object]:
    """What is there; if ``kept`` is given, every server but those with these uuids is removed first, and with ``no_files`` all files of ours."""
    connection = opened()
    if kept is not None:
        remove_servers(connection, kept)
    if no_files:
        for above, _folders, files in (*os.walk("/var/lib/libvirt/kvmfleet"), *os.walk("/var/lib/kvmfleet")):
            for name in files:
                os.unlink(os.path.join(above, name))
    return {"domains": {domain.UUIDString(): domain_of(domain) for domain in connection.listAllDomains()}, "things": things(connection)}
