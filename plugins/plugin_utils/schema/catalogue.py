# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the catalogue's variables, one schema for each; docs/catalogue.md is made from this file. Pure data.

What is no shape (unique ids, addresses inside their subnet, references) is in ``api/catalogue_rules.py``. Limits are Nova's and Neutron's.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import (
    BOOLEAN,
    NOT_EMPTY,
    SCALAR,
    Schema,
    by_name,
    field,
    list_of,
    mapping,
    of_format,
    one_of,
    whole,
)

MOST_BYTES = 2**63 - 1
ID = of_format("uuid", "derived from the name if it is left out", default=None)
# A description may be a number.
DESCRIPTION = field({"type": ["string", "number"]}, "for people", default=None)
ADDRESSES = list_of(of_format("ip"), default=[])

FLAVOR: Schema = mapping(
    {
        "id": field({"type": ["string", "integer"], "minLength": 1}, "derived from the name if it is left out", default=None),
        "vcpus": whole("CPUs", 1),
        "memory_mb": whole("memory in MB", 1),
        "root_gb": whole("root disk in GB; 0: as large as the image, or booted from a volume"),
        "ephemeral_gb": whole("ephemeral disks together, in GB", default=0),
        "swap": whole("swap disk in MB", default=0),
        "disabled": field(BOOLEAN, "true: no new server gets it", default=False),
        "description": DESCRIPTION,
        "extra_specs": by_name(SCALAR, "as in Nova; values become text", default={}),
    },
    required=("vcpus", "memory_mb", "root_gb"),
)
IMAGE: Schema = mapping(
    {
        "id": ID,
        "source": field({**NOT_EMPTY, "format": "source"}, "user, password and query of a URL are used and never kept or shown"),
        "checksum": of_format("checksum", "verified before the image is used"),
        "disk_format": one_of("qcow2", "raw", default="qcow2"),
        "size": whole("bytes of the file", most=MOST_BYTES, default=None),
        "virtual_size": whole("bytes of the disk in it", most=MOST_BYTES, default=None),
        "min_disk": whole("smallest root disk in GB", default=0),
        "min_ram": whole("least memory in MB", default=0),
        "status": one_of(
            "active",
            "queued",
            "saving",
            "importing",
            "uploading",
            "deactivated",
            "killed",
            "deleted",
            "pending_delete",
            description="Glance's status; only an active image can be used",
            default="active",
        ),
        "properties": by_name({}, "Glance's image properties", default={}),
    },
    required=("source", "checksum"),
)
ALLOCATION_POOL: Schema = mapping(
    {"start": of_format("ip", "first address, in the cidr"), "end": of_format("ip", "last address, in the cidr, not before start")},
    required=("start", "end"),
)
HOST_ROUTE: Schema = mapping(
    {"destination": of_format("prefix", "of the subnet's IP version"), "nexthop": of_format("ip", "of the subnet's IP version")},
    required=("destination", "nexthop"),
)
SUBNET: Schema = mapping(
    {
        "id": of_format("uuid", "derived from the network's name and the cidr if it is left out", default=None),
        "name": field(NOT_EMPTY, default=None),
        "cidr": of_format("cidr", "subnets of one network must not overlap"),
        "gateway_ip": of_format("ip", "in the cidr; never given to a server", default=None),
        "dhcp": field(
            BOOLEAN,
            "guests ask a DHCP server for their address, in place of being told: that of a libvirt_network, where IPv4 addresses are reserved, or yours, "
            "which must give what the port has, unless there is a dhcp_server",
            default=False,
        ),
        "ipv6_address_mode": one_of(
            "slaac",
            "dhcpv6-stateless",
            "dhcpv6-stateful",
            description="Neutron's, of an IPv6 subnet; with the first two guests make their address of the MAC address: a /64 without allocation_pools",
            default=None,
        ),
        "dhcp_server": field(
            BOOLEAN,
            "the hosts answer their own guests, by dnsmasq, and nobody else: with dhcp, or of IPv6 with ipv6_address_mode; of a network with bridge or "
            "provider:network_type",
            default=False,
        ),
        "allocation_pools": list_of(ALLOCATION_POOL, "what is given out; empty: the whole subnet; pools must not overlap", default=[]),
        "dns_nameservers": field(ADDRESSES, "empty: those of the network"),
        "host_routes": list_of(HOST_ROUTE, "routes that guests are told of", default=[]),
    },
    required=("cidr",),
)
NETWORK: Schema = mapping(
    {
        "id": ID,
        "name": field(NOT_EMPTY, "its key if it is left out; two networks may have one name, then requests need the id", default=None),
        "bridge": of_format("interface", "a Linux bridge of the hosts; each network has one of these five, or provider:network_type", default=None),
        "libvirt_network": field(NOT_EMPTY, "a libvirt network of the hosts", default=None),
        "openvswitch": of_format("interface", "an Open vSwitch bridge of the hosts; not with port security or limits", default=None),
        "macvtap": of_format("interface", "a device of the hosts, such as a network card; not with port security", default=None),
        "user": one_of(
            "passt",
            "slirp",
            description="each guest is connected without privileges, and alone; by slirp nobody can log in to it; not with port security or limits",
            default=None,
        ),
        "vlan": whole("802.1Q tag, with openvswitch; if it is left out, guests send and get frames without one", 1, 4094, default=None),
        "portgroup": field(NOT_EMPTY, "of the libvirt_network; its default one, if it has one, if it is left out", default=None),
        "provider:network_type": one_of(
            "flat",
            "vlan",
            "vxlan",
            "local",
            description="Neutron's. flat: the bridge that each host has for the physical network (compute_bridge_mappings); the others are made on a host with "
            "the first server that needs them, and go with the last: a VLAN of the physical network, a VXLAN to the other hosts, or a network of one host",
            default=None,
        ),
        "provider:physical_network": field(NOT_EMPTY, "of the types flat and vlan: a key of compute_bridge_mappings", default=None),
        "provider:segmentation_id": whole("of the types vlan (to 4094) and vxlan: the VLAN, or the VXLAN network identifier", 1, 2**24 - 1, default=None),
        "mtu": whole("bytes; of the type vxlan 1450 if it is left out, or 1430 where hosts send it by IPv6", 68, 65535, default=None),
        "external": field(BOOLEAN, "Neutron's router:external: needs the policy network:attach_external_network unless it is shared", default=False),
        "shared": field(BOOLEAN, default=False),
        "port_security_enabled": field(BOOLEAN, "ports are filtered: no other addresses than their own, and what their security groups allow", default=True),
        "dns_nameservers": field(ADDRESSES, "for subnets that have none of their own"),
        "subnets": list_of(SUBNET, "a network without subnets can't be asked for", default=[]),
    }
)
NORMAL = "normal"  # the only type of virtual NIC that is built
VNIC_TYPES = (
    NORMAL,
    "direct",
    "direct-physical",
    "macvtap",
    "baremetal",
    "virtio-forwarder",
    "smart-nic",
    "vdpa",
    "accelerator-direct",
    "accelerator-direct-physical",
    "remote-managed",
)
BANDWIDTH_RULE: Schema = mapping(
    {
        "direction": one_of("ingress", "egress", description="as the guest sees it; one rule for each", default="egress"),
        "max_kbps": whole("kbit/s; libvirt has whole kB/s", 8),
        "max_burst_kbps": whole("kbit; 0: 80 % of max_kbps, as in Neutron", default=0),
    },
    required=("max_kbps",),
)
PORT: Schema = mapping(
    {
        "id": ID,
        "network": field({"type": ["string", "integer"], "minLength": 1}, "id or name of a network"),
        "mac_address": of_format("mac", "any spelling; chosen if it is left out; given once on a bridge", default=None),
        "fixed_ips": list_of(
            mapping({"ip_address": of_format("ip", "in a subnet of the network; given once in a network")}, required=("ip_address",)),
            "empty: chosen as for any server",
            default=[],
        ),
        "port_security_enabled": field({"type": ["boolean", "null"]}, "as its network says if it is left out", default=None),
        "allowed_address_pairs": list_of(
            mapping(
                {
                    "ip_address": of_format("prefix", "an address or a network"),
                    "mac_address": of_format("mac", "that of the port if it is left out", default=None),
                },
                required=("ip_address",),
            ),
            "what its guest may use beside its own addresses, such as one that moves between guests; not without port security",
            default=[],
        ),
        "qos": list_of(BANDWIDTH_RULE, "Neutron's bandwidth limits; in a direction without one the flavor's quota:vif_* count", default=[]),
        "binding:vnic_type": one_of(*VNIC_TYPES, description="Neutron's; no server can have a port of another type than normal", default=NORMAL),
        "binding:profile": by_name({}, "Neutron's; no server can have a port with one", default={}),
    },
    required=("network",),
)
SECURITY_GROUP_RULE: Schema = mapping(
    {
        "direction": one_of("ingress", "egress"),
        "ethertype": one_of("IPv4", "IPv6", default="IPv4"),
        "protocol": field({"type": ["string", "integer"], "format": "protocol"}, default=None),
        "port_range_min": whole("first port, or the ICMP type", 0, 65535, default=None),
        "port_range_max": whole("last port, or the ICMP code", 0, 65535, default=None),
        "remote_ip_prefix": of_format("prefix", "of the ethertype; not with remote_group", default=None),
        "remote_group": field(NOT_EMPTY, "id or name of a security group", default=None),
        "description": DESCRIPTION,
    },
    required=("direction",),
)
SECURITY_GROUP: Schema = mapping(
    {
        "id": ID,
        "name": field(NOT_EMPTY, "its key if it is left out; two groups may have one name, then requests need the id", default=None),
        "description": DESCRIPTION,
        "rules": list_of(
            SECURITY_GROUP_RULE,
            "what is let through; a direction without rules has Neutron's own: egress all, ingress in the group default what comes from the group",
            default=[],
        ),
    }
)
KEYPAIR: Schema = mapping(
    {
        "public_key": field(NOT_EMPTY, "ssh: one line of OpenSSH (ssh-ed25519, ssh-rsa, ecdsa-sha2-…, sk-…); x509: a certificate as PEM or base64"),
        "type": one_of("ssh", "x509", default="ssh"),
    },
    required=("public_key",),
)
SERVER_GROUP: Schema = mapping(
    {
        "id": ID,
        "policy": one_of("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"),
        "rules": mapping({"max_server_per_host": whole("of an anti-affinity group", 1)}, default={}),
    },
    required=("policy",),
)

# kind: the shape of one entry of compute_<kind>
ENTRIES: dict[str, Schema] = {
    "flavors": FLAVOR,
    "images": IMAGE,
    "networks": NETWORK,
    "ports": PORT,
    "security_groups": SECURITY_GROUP,
    "keypairs": KEYPAIR,
    "server_groups": SERVER_GROUP,
}

_LIMITS: dict[str, Schema] = {
    "instances": whole("servers", -1, default=10),
    "cores": whole("CPUs of all servers", -1, default=20),
    "ram": whole("memory of all servers in MB", -1, default=51200),
    "metadata_items": whole("metadata items of one server", -1, default=128),
    "server_groups": whole("server groups with servers of the project", -1, default=10),
    "server_group_members": whole("servers of one user in a server group", -1, default=10),
    "ports": whole("ports that were made for servers", -1, default=-1),
}
QUOTAS: Schema = mapping({**_LIMITS, "projects": by_name(mapping(_LIMITS), "limits of single projects, by project; the others are as above", default={})})

# Role names; Nova's prefixes os_compute_api:servers: and compute:servers: may stand before the name of a rule.
_ROLES = list_of(NOT_EMPTY)
_MEMBER, _ADMIN = ["member", "admin"], ["admin"]
POLICY: Schema = mapping(
    {
        "create": field(_ROLES, "create a server", default=_MEMBER),
        "create:trusted_certs": field(_ROLES, "trusted_image_certificates", default=_MEMBER),
        "create:forced_host": field(_ROLES, "zone:host in availability_zone", default=_ADMIN),
        "create:requested_destination": field(_ROLES, "host, hypervisor_hostname", default=_ADMIN),
        "create:attach_volume": field(_ROLES, "block devices", default=_MEMBER),
        "create:attach_network": field(_ROLES, "networks", default=_MEMBER),
        "create:zero_disk_flavor": field(_ROLES, "a flavor with root_gb 0 that does not boot from a volume", default=_ADMIN),
        "network:attach_external_network": field(_ROLES, "a network that is external and not shared", default=_ADMIN),
    }
)

AGGREGATE: Schema = mapping(
    {
        "hosts": list_of({"type": ["string", "integer"], "minLength": 1}, "inventory names", default=[]),
        "metadata": by_name(SCALAR, "as in Nova; values become text; availability_zone makes it a zone", default={}),
    }
)
AGGREGATES: Schema = by_name(AGGREGATE)
