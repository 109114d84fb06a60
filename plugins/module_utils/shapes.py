# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that hosts see: what crosses a stage, a task or the wire between controller and host. JSON types only; ``docs/data.md`` is made from this file.

One field a line, with its unit or meaning behind it. The controller's own shapes are in ``plugin_utils/shapes.py``.
"""

from __future__ import annotations

import typing as t

Digest = str  # sha256:<hex> or sha512:<hex>


# What a server is made of


class Flavor(t.TypedDict):
    """A flavor, as it was when the server was asked for."""

    id: str  # the catalogue's id
    name: str  # the catalogue's name
    vcpus: int  # CPUs
    memory_mb: int  # memory
    root_gb: int  # root disk; 0: the image's own size
    ephemeral_gb: int  # ephemeral disks together
    swap: int  # swap disk in MB
    extra_specs: t.Dict[str, str]  # as in Nova


class Image(t.TypedDict):
    """An image, as it was when the server was asked for."""

    id: str  # the catalogue's id
    name: str  # the catalogue's name
    source: str  # http(s) or file URL, or a path on the controller; never with user, password or query
    checksum: str  # sha256:<hex>, sha512:<hex>, or either with the address of a sums file, without user, password and query
    disk_format: str  # qcow2 or raw
    size: t.Optional[int]  # bytes, if declared
    virtual_size: t.Optional[int]  # bytes, if declared
    min_disk: int  # GB
    min_ram: int  # MB
    properties: t.Dict[str, t.Any]  # Glance's image properties


class KeyPair(t.TypedDict):
    """A public key that the guest gets."""

    name: str  # the catalogue's name
    type: str  # ssh or x509
    public_key: str  # the key's text


class ServerGroup(t.TypedDict):
    """The server group that a server is a member of."""

    id: str  # the catalogue's id
    name: str  # the catalogue's name
    policy: str  # affinity, anti-affinity, soft-affinity, soft-anti-affinity
    rules: t.Dict[str, t.Any]  # max_server_per_host


class SecurityGroup(t.TypedDict):
    """A security group of a server."""

    id: str  # the catalogue's id
    name: str  # the catalogue's name


class Topology(t.TypedDict):
    """The guest's CPU topology, chosen once by Nova's rule (hardware/constraints.py: topology)."""

    sockets: int  # sockets
    cores: int  # cores of a socket
    threads: int  # threads of a core


class Disk(t.TypedDict):
    """One disk of a guest, decided in the api stage; storage/ has a file for each kind."""

    kind: str  # overlay, blank or config_drive: the file of storage/ that makes it
    role: str  # root, ephemeral, swap or config
    file: str  # its name in the instance's folder
    format: str  # qcow2 or raw
    size_bytes: int  # virtual size; 0: that of its base image or content
    bus: str  # virtio, scsi, sata, usb or ide
    device: str  # disk or cdrom
    device_name: str  # the target's name, such as vda
    boot_order: t.Optional[int]  # 1: booted first; null: never
    guest_format: t.Optional[str]  # the file system that is asked for, or swap
    label: t.Optional[str]  # the label of the file system that is made
    delete_on_termination: bool  # removed with the server
    tag: t.Optional[str]  # the tag of a tagged device


class HostRoute(t.TypedDict):
    """A route that the guest is told of."""

    destination: str  # CIDR
    nexthop: str  # address


class FixedIp(t.TypedDict):
    """An address of a port with what the guest must know of its subnet."""

    ip_address: str  # the address
    version: int  # 4 or 6
    cidr: str  # the subnet
    gateway_ip: t.Optional[str]  # the subnet's gateway
    dns_nameservers: t.List[str]  # addresses
    host_routes: t.List[HostRoute]  # routes of the subnet
    address_mode: t.Optional[str]  # how the guest gets it: dhcp, slaac, dhcpv6-stateless or dhcpv6-stateful; null: it is told
    served: t.NotRequired[bool]  # its host answers the guest that asks; left out: somebody else does


class Binding(t.TypedDict):
    """How a port reaches its network on a host; network/vif/ has a file for each type."""

    type: str  # bridge, libvirt_network, openvswitch, macvtap or user; flat, vlan, vxlan or local: made on the hosts that need it
    name: str  # of the bridge, the libvirt network or, for macvtap, the device on the host; else what tells it from others (network/on_demand/names.py)
    vlan: t.NotRequired[int]  # of an Open vSwitch bridge: the 802.1Q tag; left out: frames without one
    portgroup: t.NotRequired[str]  # of a libvirt network; left out: its default, if it has one
    bridge: t.NotRequired[str]  # of a port on a flat network, the bridge on its host, which the host fills in
    backend: t.NotRequired[str]  # of a port of type user: passt or slirp
    ssh_port: t.NotRequired[int]  # with passt, the TCP port of its host's loopback address that leads to the guest's SSH, which the host fills in


class AddressPair(t.TypedDict):
    """What a port may use beside its own addresses."""

    mac_address: str  # lower case
    ip_address: str  # address or CIDR


class Rate(t.TypedDict):
    """How much one direction of a NIC may carry, in libvirt's units."""

    average: int  # kB/s
    peak: t.Optional[int]  # kB/s; null: no other than the average
    burst: t.Optional[int]  # kB at the peak's speed; null: libvirt's default


class Bandwidth(t.TypedDict):
    """How much a NIC may carry."""

    inbound: t.Optional[Rate]  # to the guest; null: no limit
    outbound: t.Optional[Rate]  # from the guest; null: no limit


class Port(t.TypedDict):
    """A port, as it was chosen between placement and claim; it stays the same on every retry."""

    id: str  # the port's id
    network_id: str  # the catalogue's id of the network
    network_name: str  # the catalogue's name of the network
    mac_address: str  # lower case
    binding: Binding  # how it reaches the network
    mtu: t.Optional[int]  # bytes; null: the bridge's own
    tag: t.Optional[str]  # the tag of a tagged device
    device: str  # the tap's name: tap and the first 11 characters of the id
    fixed_ips: t.List[FixedIp]  # its addresses
    preexisting: bool  # a port of compute_ports
    port_security_enabled: bool  # its host lets through what its addresses and its server's security groups allow; false in records from before that
    allowed_address_pairs: t.List[AddressPair]  # Neutron's; empty without port security
    bandwidth: t.Optional[Bandwidth]  # what it may carry; null: no limit
    queues: t.Optional[int]  # pairs of virtio queues; null: one


class FilterRule(t.TypedDict):
    """A rule of a security group, as a host enforces it."""

    direction: str  # ingress or egress
    ethertype: str  # IPv4 or IPv6
    protocol: t.Optional[str]  # tcp, udp, udplite, sctp, icmp (of either ethertype), igmp, esp or ah; null: any
    port_range_min: t.Optional[int]  # first port, or the ICMP type
    port_range_max: t.Optional[int]  # last port, or the ICMP code
    remote: t.Optional[t.List[str]]  # CIDRs of the other side; null: anybody
    remote_group: t.Optional[str]  # id of the security group of the other side; null: whatever remote says


class RulesNumber(t.TypedDict):
    """Of two of them that hosts are told for one group the rules with the lesser one count no more: compared as (fleet, local, digest)."""

    fleet: int  # how often the playbook security_groups has brought other rules
    local: int  # how often since then a run that built or started a server has brought its host other rules
    digest: str  # of the rules


class GroupRules(SecurityGroup):
    """A security group, as a host enforces it."""

    rules: t.List[FilterRule]  # what is let through; nothing else is
    number: t.NotRequired[RulesNumber]  # if it is left out they are later than what the host has


class MemberReport(t.TypedDict):
    """Who is in which security group on a host, by its own word."""

    host: str  # inventory name
    number: int  # grows with each report of the host: of two the one with the lower number counts no more
    groups: t.Dict[str, t.List[str]]  # addresses and CIDRs of its servers in a group, by <project>/<group's id>; in a group that is left out it has none


# The server on its way, and what is kept of it


class Process(t.TypedDict):
    """A process that no other is taken for, whatever the names of machines and containers are."""

    boot_id: str  # of the kernel that it runs on
    pid_namespace: str  # the link /proc/self/ns/pid
    pid: int  # in that namespace
    pid_start: int  # when it started, in clock ticks since boot


class Run(t.TypedDict):
    """The run that claims."""

    id: str  # a uuid
    controller: str  # the controller's name, for people
    process: t.Optional[Process]  # ansible-playbook on the controller; null: not known there
    lease_s: int  # how long a claim of it holds without another call, in s


class Lease(t.TypedDict):
    """Until when a claim holds, by the clock of its host alone; it ends when the host reboots."""

    boot_id: str  # of the host's kernel
    ends_at: int  # s since that boot, time asleep included


class Origin(t.TypedDict):
    """Who has asked for a server, from where, and for how long."""

    owner: t.Optional[str]  # for whom; null: the user who asks
    job: t.Optional[str]  # the job of AWX or CI
    template: t.Optional[str]  # its template
    ttl_s: t.Optional[int]  # how long the server is to live, in s; null: until it is deleted
    asked_at: int  # Unix time in s, by the controller's clock


class Instance(t.TypedDict):
    """What lasts of a server (Nova's base options): exactly these fields stand in its record."""

    uuid: str  # the server's id
    display_name: str  # the server's name
    display_description: t.Optional[str]  # description
    hostname: str  # the guest's host name
    domain_name: str  # the libvirt domain: <hostname>-<first 8 of the uuid>
    project_id: str  # project
    user_id: str  # user
    reservation_id: str  # one per request
    launch_index: int  # position in a multi-create, from 0
    flavor: Flavor  # as it was asked for
    image: t.Optional[Image]  # as it was asked for; null: booted from a volume
    key_name: t.Optional[str]  # name of the key pair
    keypair: t.Optional[KeyPair]  # the key pair
    metadata: t.Dict[str, str]  # the user's
    tags: t.List[str]  # sorted
    availability_zone: t.Optional[str]  # of its host; null until it is placed
    config_drive: bool  # with a config drive
    auto_disk_config: bool  # OS-DCF:diskConfig is AUTO
    access_ip_v4: t.Optional[str]  # accessIPv4
    access_ip_v6: t.Optional[str]  # accessIPv6
    security_groups: t.List[SecurityGroup]  # its groups
    scheduler_hints: t.Dict[str, t.Any]  # as they were given
    group: t.Optional[ServerGroup]  # its server group
    topology: t.Optional[Topology]  # of its CPUs; null: the hypervisor's default
    disks: t.List[Disk]  # in the order of the domain's devices, the root disk first
    ports: t.List[Port]  # in the order of the request; empty until it is placed


class SecretHashes(t.TypedDict):
    """Keyed hashes of what a record must not hold; the key never leaves the host."""

    user_data: t.Optional[str]  # HMAC-SHA256 in hex
    admin_pass: t.Optional[str]  # HMAC-SHA256 in hex


class Record(Instance):
    """The instance record in the domain's metadata: the instance, and how far it is."""

    version: int  # 4; an older record is read as one of version 4
    vm_state: str  # building or active
    started: bool  # its guest has run or is about to: from then on nothing of it is undone
    folder: str  # where its disks lie on the host
    run: t.Optional[Run]  # the run that claimed it, until it is active, or that starts it, until it runs
    lease: t.Optional[Lease]  # of its run; null: there is none
    created_at: str  # ISO 8601, UTC
    machine_type: t.Optional[str]  # what libvirt chose, kept when the domain is made again
    secrets: t.NotRequired[SecretHashes]  # never leaves the host: a report has none
    origin: t.Optional[Origin]  # with its owner; null: a record of version 4 that was written before there was this field
    expires_at: t.Optional[str]  # ISO 8601, UTC, from when a reaper may delete it; null: never, or as origin


class Drift(t.TypedDict):
    """One difference between a request and the server that is there, or between its record and its domain."""

    path: str  # the request's field, or what is different below power_state, missing_files, migration or libvirt
    wanted: t.Any  # what is asked for; null: nothing
    actual: t.Any  # what is there; null: nothing
    remedy: str  # rerun: a run applies it; rebuild: only a server that is made anew has it; manual: it is to be put right on the host


class InstanceReport(Record):
    """A record as its host reports it; without ``secrets``."""

    power_state: str  # running, blocked, paused, suspended, shutdown, crashed or nostate
    locked: bool  # a live process of the host holds the instance's lock
    lease_left_s: t.Optional[int]  # how long the claim of its run still holds, in s; 0: no longer; null: no run claims it
    missing_files: t.List[str]  # disks that are gone
    migrating: t.NotRequired[bool]  # a migration is making it here; it still runs on another host
    power_reason: t.NotRequired[t.Optional[str]]  # why it is paused, if libvirt knows
    drift: t.NotRequired[t.List[Drift]]  # where libvirt's domain differs from the record


class Order(t.TypedDict):
    """All that a host gets for one server."""

    version: int  # 1
    instance: Instance  # for the stage build of a claimed server uuid and display_name are enough
    action: str  # build, or for a server that is there: none, start, finish
    group_hosts: t.List[str]  # the hosts of the other members of its server group
    gone_run: t.Optional[str]  # to finish: the id of the run that had claimed it, if its process was on this controller and is gone


class HostResources(t.TypedDict):
    """What a host has to give, as a claim counts it."""

    vcpus: int  # CPUs
    memory_mb: int  # memory
    disk_gb: int  # size of the instances path's file system
    reserved: t.Dict[str, int]  # by resource class, kept for the host
    allocation_ratio: t.Dict[str, float]  # by resource class


class Secrets(t.TypedDict):
    """What no record, result or argument of a command holds."""

    user_data: t.Optional[str]  # base64
    admin_pass: t.Optional[str]  # plain text


# What a host answers


class Error(t.TypedDict):
    """Why a server, or an image, failed on a host."""

    error_class: str  # Nova's or Glance's class name
    message: str  # one sentence
    reschedule: bool  # another host may do better
    exception: t.NotRequired[str]  # the traceback of what nobody expected


class Outcome(t.TypedDict):
    """What ``port`` and ``server`` report of one server."""

    uuid: str  # the server's id
    display_name: t.Optional[str]  # the server's name, if it was given
    outcome: str  # claimed, built, unchanged, started, deleted, refused, failed or unknown
    stage: str  # claim, port, build, wait or delete
    changed: bool  # something was done
    error: t.Optional[Error]  # null if all is well
    power_state: t.Optional[str]  # after the stage
    seconds: t.Dict[str, float]  # by stage
    drift: t.NotRequired[t.List[Drift]]  # secrets of an existing server that differ; values hidden
    console: t.NotRequired[t.List[str]]  # the end of the console log, after a time-out
    foreign_files: t.NotRequired[t.List[str]]  # files in the server's folder that stay
    warnings: t.NotRequired[t.List[str]]  # what is not as it was asked for, as sentences
    ssh_ports: t.NotRequired[t.Dict[str, int]]  # by id of the server's port: the TCP port of the host's loopback address that leads to the guest's SSH


class Leaving(t.TypedDict):
    """Something on a host that nobody needs any more, or that nobody is known to need."""

    kind: str  # claim, journal, folder, temporary, partial, lock, network or rules
    id: t.Optional[str]  # of the server that it was for; null: it is of no server
    path: str  # where it lies, or the name of a network device
    bytes: int  # disk space that it takes
    why: str  # it is due, or stays


class Reaped(t.TypedDict):
    """What became of a server whose time has passed."""

    uuid: str  # the server's id
    display_name: str  # the server's name
    project_id: str  # project
    owner: t.Optional[str]  # for whom it was created
    job: t.Optional[str]  # the job of AWX or CI
    expires_at: t.Optional[str]  # the end of its time
    outcome: str  # deleted, left, skipped (the host's clock is wrong), failed or unknown
    why: t.Optional[str]  # it was not deleted, or something of it stays


class Diff(t.TypedDict):
    """One change, as Ansible's diff mode shows it."""

    before_header: str  # what was there
    after_header: str  # what is there
    before: str  # its text
    after: str  # its text


class CachedImage(t.TypedDict):
    """A verified image in a host's cache."""

    digest: Digest  # sha256 of the content
    digests: t.Dict[str, str]  # hex digest by algorithm
    disk_format: str  # qcow2 or raw, as inspected
    size: int  # bytes
    virtual_size: int  # bytes
    path: str  # on the host


class WantedImage(t.TypedDict):
    """What ``image`` is told of one image."""

    id: str  # the catalogue's id
    name: t.Optional[str]  # the catalogue's name
    source: str  # http(s) or file URL, or a path on the controller, as it may be shown
    secret_source: t.Optional[str]  # the same with user, password and query, if it has any
    checksum: str  # as in Image
    secret_checksum: t.Optional[str]  # the same with user, password and query, if its address has any
    disk_format: str  # qcow2 or raw
    size: t.Optional[int]  # bytes, if declared
    virtual_size: t.Optional[int]  # bytes, if declared
    arriving_bytes: t.Optional[int]  # of the controller's file that is to be sent


class ImageResult(t.TypedDict):
    """What ``image`` reports of one image."""

    id: str  # the catalogue's id
    name: t.Optional[str]  # the catalogue's name
    digest: t.Optional[Digest]  # null: not cached
    path: t.Optional[str]  # on the host
    disk_format: str  # qcow2 or raw
    size: t.Optional[int]  # bytes
    virtual_size: t.Optional[int]  # bytes
    changed: bool  # it was fetched
    bytes_fetched: int  # bytes
    needs_staging: bool  # a file of the controller that the host lacks
    seconds: float  # s
    error: t.Optional[Error]  # null if all is well


class DomainDisk(t.TypedDict):
    """A disk of any domain, read from its XML."""

    path: t.Optional[str]  # file or block device
    target: t.Optional[str]  # such as vda
    device: str  # disk, cdrom, …
    readonly: bool  # has <readonly/>
    bus: t.Optional[str]  # pci, scsi, ide or usb, as Nova tells guests; null: another one
    address: t.Optional[str]  # of a PCI device, such as 0000:00:03.0; null: none is known


class Interface(t.TypedDict):
    """A network interface of any domain, read from its XML."""

    mac_address: str  # lower case
    type: str  # libvirt's: bridge, network, ethernet, direct, …
    source: t.Dict[str, str]  # the attributes of <source>; of a running domain's libvirt network its bridge, too
    device: t.Optional[str]  # the tap
    mtu: t.Optional[int]  # bytes; null: it has no <mtu>
    bandwidth: t.Optional[Bandwidth]  # null: it has no limit
    queues: t.Optional[int]  # pairs of virtio queues; null: one
    virtualport: t.Optional[str]  # openvswitch, …; null: it is on no virtual switch
    interface_id: t.Optional[str]  # lower case: what a virtual switch knows it by
    vlan: t.Optional[int]  # its only 802.1Q tag; null: it has none, or several
    bus: t.Optional[str]  # pci; null: another one
    address: t.Optional[str]  # of a PCI device, such as 0000:00:03.0; null: none is known


class Hardware(t.TypedDict):
    """What a guest has, read from the XML of a definition or of a running domain."""

    vcpus: int  # CPUs, those that are not plugged too
    current_vcpus: int  # CPUs that are plugged
    memory_mb: int  # <memory>, rounded up
    current_memory_mb: int  # <currentMemory>, rounded up: without what the balloon takes
    disks: t.List[DomainDisk]  # all disks
    interfaces: t.List[Interface]  # all interfaces


class Domain(Hardware):
    """Any libvirt domain of a host, ours or foreign, as it is defined."""

    name: str  # libvirt's name
    uuid: str  # libvirt's uuid
    title: str  # libvirt's title
    machine_type: t.Optional[str]  # such as pc-q35-7.2
    record: t.Optional[Record]  # null: foreign
    record_error: t.Optional[str]  # why the record can't be read
    record_of: t.Optional[str]  # the server whose record it has, if that is another: a copy, which counts as foreign
    power_state: str  # as in an instance report
    migrating: t.NotRequired[bool]  # a migration is making it here
    power_reason: t.NotRequired[t.Optional[str]]  # as in an instance report
    live: t.NotRequired[Hardware]  # of a running domain, if it was asked for
    disk_bytes: t.NotRequired[int]  # virtual sizes of a foreign domain's disks on the instances' file system


class DomainReport(t.TypedDict):
    """Any libvirt domain, as its host reports it."""

    name: str  # libvirt's name
    uuid: str  # libvirt's uuid
    power_state: str  # as in an instance report
    vcpus: int  # CPUs
    memory_mb: int  # memory
    disk_gb: int  # what it commits
    mac_addresses: t.List[str]  # lower case
    foreign: bool  # without a record of its own of this collection
    record_of: t.Optional[str]  # as in Domain


class Bridge(t.TypedDict):
    """A Linux bridge of a host."""

    name: str  # device
    up: bool  # administratively
    mtu: int  # bytes; without an MTU that somebody has set it is the least of its ports, guests' taps among them
    port_mtu: t.NotRequired[t.Optional[int]]  # bytes: the least of its ports that are no taps; null: it has no such port
    tap_mtu: t.NotRequired[t.Optional[int]]  # bytes: the least of its taps; null: it has none


class SwitchBridge(t.TypedDict):
    """A bridge of a host's Open vSwitch."""

    name: str  # device
    port_mtu: t.Optional[int]  # bytes: the least of its ports that are no taps; null: it has no such port


class SwitchPort(t.TypedDict):
    """Where Open vSwitch has a device."""

    bridge: str  # device
    vlan: t.Optional[int]  # 802.1Q tag; 0: frames without one; null: all VLANs
    interface_id: t.Optional[str]  # its external_ids:iface-id
    domain_id: t.Optional[str]  # its external_ids:vm-id: the uuid of the domain that libvirt has plugged
    error: t.Optional[str]  # why the device can't be used


class Device(t.TypedDict):
    """A network device of a host: no tap, no macvtap, not the loopback, and none that is made on demand."""

    name: str  # device
    up: bool  # administratively
    mtu: int  # bytes; 0: it can't be read
    port_of: t.Optional[str]  # the bridge or bond that has it; null: none


class Portgroup(t.TypedDict):
    """A part of a libvirt network."""

    name: str  # libvirt's name
    default: bool  # of interfaces that name none
    vlan: t.Optional[int]  # its only 802.1Q tag; null: that of the network


class LibvirtNetwork(t.TypedDict):
    """A libvirt network of a host."""

    name: str  # libvirt's name
    bridge: t.Optional[str]  # its bridge
    active: bool  # started
    kind: t.NotRequired[str]  # what its guests are plugged into: bridge, openvswitch, macvtap or hostdev; left out: bridge
    vlan: t.NotRequired[t.Optional[int]]  # its only 802.1Q tag; null: none
    portgroups: t.NotRequired[t.List[Portgroup]]  # its parts


class NetworkFilter(t.TypedDict):
    """A network filter of a host's libvirt, whoever made it."""

    name: str  # libvirt's name
    uuid: str  # libvirt's uuid
    refers_to: t.List[str]  # names of other filters
    sets: t.List[str]  # names of IP sets
    content: str  # what it says, whichever way that was written


class PhysicalNetwork(t.TypedDict):
    """What a host has of a physical network, by its bridge mappings."""

    name: str  # Neutron's provider:physical_network
    device: str  # the bridge or other device of the host
    is_bridge: bool  # it is a Linux bridge
    up: bool  # administratively
    mtu: t.Optional[int]  # bytes; null: the host has no such device


class Tunnel(t.TypedDict):
    """From where a host sends VXLAN."""

    address: str  # its own
    mtu: int  # bytes, of the device that has the address


class TunnelReport(t.TypedDict):
    """Which VXLAN networks servers of a host are on, by its own word."""

    host: str  # inventory name
    number: int  # grows with each report of the host: of two the one with the lower number counts no more
    address: t.Optional[str]  # that it sends from; null: it has none
    networks: t.List[str]  # VXLAN network identifiers


class HostNetworks(t.TypedDict):
    """What a host offers ports."""

    bridges: t.List[Bridge]  # Linux bridges
    libvirt: t.List[LibvirtNetwork]  # libvirt networks
    switches: t.NotRequired[t.List[SwitchBridge]]  # bridges of Open vSwitch
    no_switches: t.NotRequired[t.Optional[str]]  # why an Open vSwitch that is installed can't be asked, as half a sentence; null: nothing is wrong
    devices: t.NotRequired[t.List[Device]]  # what macvtap can be on
    unfiltered: t.NotRequired[t.Optional[str]]  # why the host can't enforce port security, as half a sentence; null: it can
    user_backends: t.NotRequired[t.Dict[str, t.Optional[str]]]  # why it can't connect guests by passt, and by slirp, as half a sentence; null: it can
    wanted_groups: t.NotRequired[t.List[str]]  # the groups that rules of its ports name, as <project>/<group's id>
    rules_numbers: t.NotRequired[t.Dict[str, RulesNumber]]  # of the rules that it has of groups, by <project>/<group's id>
    gaps: t.NotRequired[t.List[str]]  # where its ports are not filtered as they must be, a sentence each
    unlimited: t.NotRequired[t.Optional[str]]  # why the host can't limit bandwidth, as half a sentence; null: it can, or that is not known
    physical_networks: t.NotRequired[t.List[PhysicalNetwork]]  # its bridge mappings
    no_vlans: t.NotRequired[t.Optional[str]]  # why it can't make VLAN links, as half a sentence; null: it can, or that is not known
    tunnel: t.NotRequired[t.Optional[Tunnel]]  # from where it sends VXLAN; null: from nowhere
    no_tunnels: t.NotRequired[t.Optional[str]]  # why it can't, as half a sentence; null: it can, or that is not known
    no_dhcp: t.NotRequired[t.Optional[str]]  # why it can't answer guests that ask for their address, as half a sentence; null: it can, or that is not known


class NumaCell(t.TypedDict):
    """A NUMA cell of a host, and what guests have of it."""

    id: int  # number
    cpuset: t.List[int]  # shared CPUs
    pcpuset: t.List[int]  # dedicated CPUs
    memory_mb: int  # memory
    siblings: t.List[t.List[int]]  # threads of one core
    mempages: t.List[t.Dict[str, int]]  # size_kb, total, used, reserved
    socket: t.NotRequired[t.Optional[int]]  # the socket it is in
    cpu_usage: t.NotRequired[int]  # shared CPUs in use
    memory_usage_mb: t.NotRequired[int]  # memory in use
    pinned_cpus: t.NotRequired[t.List[int]]  # dedicated CPUs in use


class CpuInfo(t.TypedDict):
    """The host's CPU."""

    arch: str  # x86_64
    model: str  # libvirt's model
    vendor: str  # libvirt's vendor
    topology: t.Dict[str, int]  # sockets, cores, threads
    features: t.List[str]  # libvirt's names


class Guest(t.TypedDict):
    """One kind of guest that a host can run."""

    arch: str  # architecture
    os_type: str  # hvm
    virt_types: t.List[str]  # kvm, qemu


class HypervisorHost(t.TypedDict):
    """What libvirt says of its host."""

    node: str  # hypervisor_hostname
    uuid: str  # the host's uuid
    hypervisor_type: str  # QEMU
    hypervisor_version: int  # major * 1000000 + minor * 1000 + release
    libvirt_version: int  # likewise
    arch: str  # such as x86_64
    vcpus: int  # CPUs
    memory_mb: int  # memory
    cpu_info: CpuInfo  # the CPU
    guests: t.List[Guest]  # what it can run


class InstancesPath(t.TypedDict):
    """The file system of the servers' disks."""

    path: str  # folder
    total_gb: int  # size
    free_gb: int  # free


class Inventory(t.TypedDict):
    """How much of a resource class a host has (Placement's inventory); what is left out has its default."""

    total: t.NotRequired[int]  # units
    reserved: t.NotRequired[int]  # kept for the host
    allocation_ratio: t.NotRequired[float]  # how often a unit may be given out
    min_unit: t.NotRequired[int]  # the least for one server
    max_unit: t.NotRequired[int]  # the most for one server
    step_size: t.NotRequired[int]  # a server takes a multiple of it


class HostFacts(t.TypedDict):
    """What ``host_info`` returns as ``host``: what nova-compute reports. A host of the conformance cases has the same keys, units and meaning."""

    version: int  # 1
    node: str  # hypervisor_hostname
    uuid: str  # the host's uuid
    arch: str  # such as x86_64
    vcpus: int  # CPUs
    memory_mb: int  # memory
    disk_gb: int  # size of the instances path's file system
    pcpus: int  # CPUs set apart for dedicated use; 0: none
    reserved: t.Dict[str, int]  # by resource class (VCPU, MEMORY_MB, DISK_GB), kept for the host
    allocation_ratio: t.Dict[str, float]  # by resource class
    inventory: t.NotRequired[t.Dict[str, Inventory]]  # further resource classes, or other figures for one of these
    used: t.Dict[str, int]  # by resource class, committed by every domain, foreign or not, running or not, without reserved
    disk_available_least: int  # GB that are really free in the instances path
    traits: t.List[str]  # Placement's names
    numa_cells: t.Optional[t.List[NumaCell]]  # null: nothing is known, so no guest with NUMA cells fits
    pci_pools: t.List[t.Dict[str, t.Any]]  # vendor_id, product_id, dev_type, count (free), numa_node, and tags
    cpu_info: CpuInfo  # the CPU
    supported_instances: t.List[t.List[str]]  # [[arch, virt_type, os_type]]
    hypervisor_type: str  # QEMU
    hypervisor_version: int  # major * 1000000 + minor * 1000 + release
    libvirt_version: int  # likewise
    virt_types: t.List[str]  # kvm, qemu: those that work
    stats: t.Dict[str, str]  # as in Nova
    metrics: t.Dict[str, float]  # as in Nova
    num_instances: int  # domains
    num_io_ops: int  # domains whose record is building
    failed_builds: int  # since the last build that succeeded
    instances: t.List[InstanceReport]  # the servers of this collection
    domains: t.List[DomainReport]  # every domain
    addresses: t.List[str]  # the host's own, sorted, without loopback and link-local ones
    networks: HostNetworks  # bridges and libvirt networks
    instances_path: InstancesPath  # the file system of the disks
    images: t.List[CachedImage]  # the image cache
    registrar: Held  # what it holds of the registrar; left out: no epoch


# The registrar


class EpochId(t.TypedDict):
    """Which epoch of the fleet is meant."""

    number: int  # from 1; a later epoch has a greater one
    id: str  # two epochs with one number are told apart by it


class Epoch(EpochId):
    """Who grants to which hosts. Each host holds the latest that it has taken. Without ``replaces`` it enrols hosts and grants nothing yet."""

    fleet: str  # id of the epoch that enrolled the fleet
    store: str  # sqlite: the ledger is on the registrar's host; postgresql; none: taken off, hosts take claims without a grant
    registrar: str  # inventory name of the host that has the ledger; empty unless it is in SQLite
    is_carried: bool  # the ledger of the epoch before goes on, as hosts join or go; false: a new one, so that every reservation before is void
    hosts: t.List[str]  # inventory names of the fleet's hosts
    replaces: t.List[t.List[str]]  # hosts of each epoch that it may take the place of, and each newcomer: majorities have to hold it; empty: an enrolment


class HostClock(t.TypedDict):
    """A host's own time, which nobody can set."""

    boot_id: str  # of its kernel
    seconds: float  # since that boot, time asleep included


class Held(t.TypedDict):
    """What a host holds of the registrar's."""

    epoch: t.Optional[Epoch]  # null: none yet
    highest_ticket: int  # the highest one of the epoch's ledger of which it has taken a claim; 0: none
    ended: t.List[int]  # the tickets of which it takes no claim any more, because their runs were killed
    clock: HostClock  # now


class Grant(t.TypedDict):
    """What a run has to show a host for its claims."""

    epoch: EpochId  # the one that the host has to hold
    ticket: int  # the run's
    deadline: Lease  # past it, by the host's own clock, nothing is claimed


class EpochOffer(t.TypedDict):
    """An epoch for a host to take, if it still holds what it was seen to hold."""

    epoch: Epoch  # the epoch
    expected: t.Optional[str]  # id of the epoch that the host was seen to hold; null: none


class Ticket(t.TypedDict):
    """A run's place in the ledger's order: what happened before it, the run's facts show."""

    ticket: int  # a number of the ledger's sequence, drawn before the run reads facts
    run: str  # id of the run
    lasts_s: int  # s that it lasts after each call that renews it
    deadline: int  # Unix time in s, by the registrar's clock; past it the ticket is over
    process: t.Optional[Process]  # that runs it on its controller; null: not known


class TicketToEnd(t.TypedDict):
    """The ticket of a run that was killed."""

    ticket: int  # its number
    left_s: int  # s after which nothing is granted by it any more


class EndRequest(t.TypedDict):
    """A host is to take no claim of these tickets any more: what it has taken until then is seen in its facts."""

    epoch: EpochId  # that the host has to hold
    tickets: t.List[TicketToEnd]  # of which it may have been granted claims


class EndedTicket(t.TypedDict):
    """A ticket of which a host takes no claim any more."""

    ticket: int  # its number
    until: HostClock  # past it, or after another boot, the host refuses its claims for their deadline


class ReservedPort(t.TypedDict):
    """What a reservation holds of one port."""

    id: str  # the port's id
    segment: str  # where its frames meet those of others
    mac_address: str  # lower case
    ip_addresses: t.List[str]  # one for each address that was asked for, in that order


class Reservation(t.TypedDict):
    """What the ledger holds for one server of one run; a server that is granted gets it as the answer."""

    ticket: int  # of the run
    server: str  # the server's id
    host: str  # inventory name of the one host that may take its claim
    project: str  # project
    name: str  # the server's name, held in its project
    group: t.Optional[str]  # id of the server group that it is a member of
    ports: t.List[ReservedPort]  # in the order of the request
    amounts: t.Dict[str, int]  # what it takes of its project's quotas, by resource
    deadline: int  # Unix time in s past which the host refuses its claim, by the host's clock
    expires: int  # the deadline and the greatest difference of two clocks, by the registrar's clock
    released_at: t.Optional[int]  # number of the ledger's sequence at which it ended, settled or by its deadline; null: it is in force
    known_at: t.Optional[int]  # number of the sequence at which somebody knew what became of it; null: nobody does yet


class BeginRequest(t.TypedDict):
    """A run asks for a ticket, before it reads facts."""

    epoch: EpochId  # as the hosts have it
    highest_ticket: int  # the highest one that a host has recorded at a claim; 0: none is known
    run: str  # id of the run
    lasts_s: int  # s that the ticket is to last after each call that renews it
    process: t.Optional[Process]  # that runs it on its controller; null: not known


class BeginAnswer(t.TypedDict):
    """A ticket, and what the scheduler has to know beside the facts."""

    ticket: Ticket  # the run's
    oldest: int  # the oldest ticket whose servers ``seen`` of a ReserveRequest has to name
    reservations: t.List[Reservation]  # those that no facts need show yet
    tickets: t.List[Ticket]  # the open ones that something in force is reserved by


class Begun(BeginAnswer):
    """What the registrar's host answers to ``begin``."""

    registrar: str  # its inventory name


class LedgerContent(t.TypedDict):
    """All that the ledger holds."""

    epoch: EpochId  # the one that it grants in
    sequence: int  # the last number that was given to a ticket or an end
    outrun: bool  # hosts have recorded tickets that it has not drawn
    tickets: t.List[Ticket]  # the open ones
    reservations: t.List[Reservation]  # those that some run has to count


class AddressPool(t.TypedDict):
    """The free addresses of one subnet in one segment, by the facts and the catalogue."""

    segment: str  # where frames meet
    version: int  # 4 or 6
    free: t.List[t.Tuple[int, int]]  # first and last address of each range, as numbers


class AddressWish(t.TypedDict):
    """One address of a port."""

    ip_address: t.Optional[str]  # the one that is asked for; null: chosen
    pools: t.List[str]  # keys of the pools that it is chosen from, in this order


class PortWish(t.TypedDict):
    """One port of a server."""

    id: str  # the port's id, the same on every retry
    segment: str  # where its frames meet those of others on the server's host
    mac_address: str  # given, or drawn by the controller
    addresses: t.List[AddressWish]  # one for each address


class ServerWish(t.TypedDict):
    """What one server needs granted."""

    uuid: str  # the server's id
    host: str  # inventory name of the host that it is placed on
    project: str  # project
    name: str  # the server's name
    group: t.Optional[str]  # key of its server group in ``groups``
    ports: t.List[PortWish]  # its ports
    amounts: t.Dict[str, int]  # what it takes of its project's quotas beside what the facts show, by resource


class Quota(t.TypedDict):
    """A limit and what the facts show of its use."""

    limit: int  # -1: none
    used: int  # by the servers that the facts show


class GroupUse(t.TypedDict):
    """A server group and what the facts show of its members."""

    name: str  # the catalogue's name
    policy: str  # affinity, anti-affinity, soft-affinity, soft-anti-affinity
    max_server_per_host: int  # of anti-affinity
    members: t.Dict[str, str]  # hosts by the ids of the servers


class ReserveRequest(t.TypedDict):
    """What a run wants granted before its claims. By naming a server it says that no claim of it is there or under way: what it held is given up."""

    epoch: EpochId  # as the hosts have it
    highest_ticket: int  # the highest one that a host has recorded at a claim
    ticket: int  # the run's
    hosts: t.List[str]  # inventory names of the hosts whose facts were read after the ticket was drawn
    ended: t.Dict[str, t.List[int]]  # by host, the tickets of which it takes no claim any more, as its facts show
    claim_s: int  # s from now in which a host may take a claim
    max_skew_s: int  # the greatest difference of the registrar's clock and a host's, in s
    seen: t.List[str]  # ids of the servers that the facts show; those claimed with a ticket before ``oldest`` may be left out
    pools: t.Dict[str, AddressPool]  # by a key of the controller's
    quotas: t.Dict[str, t.Dict[str, Quota]]  # by project and resource
    groups: t.Dict[str, GroupUse]  # by group id
    project_groups: t.Dict[str, t.List[str]]  # by project with a quota, ids of the server groups that the facts show its servers in
    servers: t.List[ServerWish]  # in the order in which they are granted


class Lost(t.TypedDict):
    """A server that was not granted. It holds nothing."""

    server: str  # the server's id
    error: Error  # Nova's class; reschedule: another host may do
    member: t.Optional[str]  # id of the group member that is in the way
    host: t.Optional[str]  # where that member is


class ReserveAnswer(t.TypedDict):
    """Which servers may be claimed, each on its host until its deadline."""

    ticket: Ticket  # renewed
    granted: t.List[Reservation]  # with the addresses that were chosen
    lost: t.List[Lost]  # the others
    members: t.Dict[str, t.Dict[str, str]]  # of the groups of those that lost, by group id and server id: the hosts of all members by facts and ledger


class SettleRequest(t.TypedDict):
    """What became of claims. A server whose outcome is unknown stands in neither list."""

    epoch: EpochId  # as the hosts have it
    ticket: int  # the run's
    claimed: t.List[str]  # ids of the servers whose claim is there: from now on facts show them
    absent: t.List[str]  # ids of the servers of which nothing is there: refused, or undone for certain


class RenewRequest(t.TypedDict):
    """A run that needs its ticket for longer."""

    epoch: EpochId  # as the hosts have it
    ticket: int  # the run's
