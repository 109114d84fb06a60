# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's shapes: what crosses a stage or a task there. JSON types only; ``docs/data.md`` is made from this file.

One field a line, with its unit or meaning behind it. What a host sees is in ``module_utils/shapes.py``. Shapes nest: what lasts of a server is an Instance
in every one of them.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Bandwidth,
    Binding,
    Drift,
    EndRequest,
    Epoch,
    EpochOffer,
    Error,
    Flavor,
    Grant,
    GroupRules,
    HostClock,
    HostFacts,
    HostRoute,
    Image,
    Instance,
    InstanceReport,
    Order,
    Origin,
    Port,
    Reservation,
    RulesNumber,
    Run,
    SecurityGroup,
    Ticket,
)

# The catalogue, checked and made whole


class AllocationPool(t.TypedDict):
    """A range of addresses that are given out."""

    start: str  # first address
    end: str  # last address


class Subnet(t.TypedDict):
    """A subnet of a network."""

    id: str  # given, or derived from name and cidr
    name: str | None  # its name
    cidr: str  # network
    gateway_ip: str | None  # address, never given out
    dhcp: bool  # guests ask a DHCP server
    ipv6_address_mode: str | None  # Neutron's: slaac, dhcpv6-stateless or dhcpv6-stateful
    dhcp_server: bool  # the guests' hosts answer them
    allocation_pools: list[AllocationPool]  # empty: the whole subnet
    dns_nameservers: list[str]  # addresses
    host_routes: list[HostRoute]  # routes


class Network(t.TypedDict):
    """A network of the catalogue."""

    id: str  # given, or derived from its key
    name: str  # given, or its key
    binding: Binding  # how ports reach it on a host
    mtu: int | None  # bytes
    external: bool  # Neutron's router:external
    shared: bool  # Neutron's shared
    port_security_enabled: bool  # of its ports, unless they say otherwise
    dns_nameservers: list[str]  # for subnets that have none
    subnets: list[Subnet]  # subnets


class CatalogueFlavor(Flavor):
    """A flavor of the catalogue."""

    disabled: bool  # no new server gets it
    description: str | None  # for people


class CatalogueImage(Image):
    """An image of the catalogue."""

    status: str  # Glance's status; only active can be used


class PortAddress(t.TypedDict):
    """An address of a port made beforehand."""

    ip_address: str  # the address


class CataloguePair(t.TypedDict):
    """What a port made beforehand may use beside its own addresses."""

    ip_address: str  # address or CIDR
    mac_address: str | None  # lower case; null: the port's own


class BandwidthRule(t.TypedDict):
    """A limit of a port, with Neutron's fields."""

    direction: str  # ingress (to the guest) or egress
    max_kbps: int  # kbit/s
    max_burst_kbps: int  # kbit; 0: 80 % of max_kbps


class CataloguePort(t.TypedDict):
    """A port made beforehand."""

    id: str  # given, or derived from its key
    name: str  # its key
    network: str  # reference to a network
    mac_address: str | None  # given, or chosen; lower case
    fixed_ips: list[PortAddress]  # its addresses; empty: chosen
    port_security_enabled: bool | None  # null: as its network says
    allowed_address_pairs: list[CataloguePair]  # what it may use beside its own addresses
    qos: list[BandwidthRule]  # at most one for each direction
    vnic_type: str  # Neutron's binding:vnic_type; no server can have another than normal
    profile: dict[str, t.Any]  # Neutron's binding:profile; no server can have a port with one


class SecurityGroupRule(t.TypedDict):
    """A rule of a security group, with Neutron's fields."""

    direction: str  # ingress or egress
    ethertype: str  # IPv4 or IPv6
    protocol: str | None  # Neutron's name, or a number; null: any
    port_range_min: int | None  # first port, or the ICMP type
    port_range_max: int | None  # last port, or the ICMP code
    remote_ip_prefix: str | None  # CIDR
    remote_group: str | None  # reference to a security group
    description: str | None  # for people


class CatalogueSecurityGroup(SecurityGroup):
    """A security group of the catalogue."""

    description: str | None  # for people
    rules: list[SecurityGroupRule]  # what is let through, beside what Neutron's groups have from the beginning


# The fleet


class Service(t.TypedDict):
    """May the host be scheduled to?"""

    disabled: bool  # compute_disabled
    disabled_reason: str | None  # compute_disabled_reason
    forced_down: t.NotRequired[bool]  # taken out of service (Nova's force-down)
    heartbeat_age: t.NotRequired[float]  # s since it was last heard of


class FleetInstance(InstanceReport):
    """A record in the fleet."""

    host: str  # inventory name
    live: bool  # a run is at work on it
    gone: bool  # the process of the run that claims it was on this controller, and is no more


class FleetHost(HostFacts):
    """A host's facts joined with its inventory variables; ``instances`` are FleetInstance."""

    name: str  # inventory name
    address: str | None  # name or address that Ansible connects to; null: none, as with a local connection
    host_ip: str | None  # that as an IP address, if it is known
    service: Service  # enabled or not
    facts: dict[str, t.Any]  # compute_facts: facts of the operator's own


class HostEntry(t.TypedDict):
    """One host of the play."""

    status: str  # ok, unreachable or failed
    error: str | None  # why it can't be read
    state: FleetHost | None  # null unless ok


class Aggregate(t.TypedDict):
    """A host aggregate; an availability zone is one whose metadata has availability_zone."""

    name: str  # its name
    hosts: list[str]  # inventory names
    metadata: dict[str, str]  # as in Nova


class Fleet(t.TypedDict):
    """What the controller knows of all hosts."""

    version: int  # 1
    hosts: dict[str, HostEntry]  # by inventory name, in the inventory's order
    aggregates: list[Aggregate]  # zones first


# Api stage


class Fault(t.TypedDict):
    """One thing that is wrong with a request or the catalogue."""

    server: int | None  # index of the request; null: the catalogue or the fleet
    name: str | None  # the request's name
    path: str  # servers[0].networks[0].fixed_ip
    value: t.Any  # as it was given; hidden if it is secret
    rule: str  # what it breaks
    error_class: str  # Nova's
    http_status: int  # Nova's
    message: str  # path: value: rule


class Target(t.TypedDict):
    """Where a request wants to be, parsed once from zone:host:node, in the fleet's own spelling."""

    zone: str | None  # availability zone
    host: str | None  # forced host
    node: str | None  # forced node


class RequestedNetwork(t.TypedDict):
    """One entry of a request's networks, resolved."""

    network: Network  # the network
    port: CataloguePort | None  # the port that is named
    fixed_ip: str | None  # the address that is asked for
    tag: str | None  # the tag of a tagged device
    bandwidth: Bandwidth | None  # of the port, else of the flavor; null: no limit
    queues: int | None  # pairs of virtio queues; null: one
    planned: t.NotRequired[Port]  # the port that a plan has for it: its id, MAC address and addresses are taken


class SecretsGiven(t.TypedDict):
    """Which secrets there are; their values are in no instance and no result."""

    user_data: bool  # with user data
    admin_pass: str | None  # given, generated, or null: none


class Existing(t.TypedDict):
    """A server that is there already."""

    host: str  # where it is
    action: str  # none, start (it is off), finish (a dead run left it)
    record: FleetInstance  # as the fleet has it
    drift: list[Drift]  # where the request asks for something else
    image: Image | None  # the catalogue's image with the checksum that the record has; null: the catalogue has none, or the record names none
    error: Error | None  # why nothing may be done with it


class BuildRequest(t.TypedDict):
    """One server after the api stage (Nova's BuildRequest); ``server_validate`` returns them as ``instances``."""

    version: int  # 1
    request_index: int  # position of its request
    instance: Instance  # what lasts
    networks: list[RequestedNetwork]  # what ports are made of
    target: Target  # where it is to be
    secrets_given: SecretsGiven  # which secrets there are
    existing: Existing | None  # null: new


class SpecImage(t.TypedDict):
    """What the scheduler asks of an image."""

    id: str | None  # null: booted from a volume
    disk_format: str | None  # qcow2 or raw
    properties: dict[str, t.Any]  # Glance's image properties


class Destination(t.TypedDict):
    """The host that is asked for by the fields host and hypervisor_hostname; filters still run."""

    host: str | None  # inventory name
    node: str | None  # hypervisor_hostname


class SpecNetwork(t.TypedDict):
    """A network that the host must have."""

    name: str  # the catalogue's name
    binding: Binding  # how ports reach it
    port_security_enabled: t.NotRequired[bool]  # the host must enforce it
    mtu: t.NotRequired[int | None]  # bytes; null: that of the host's bridge
    limited: t.NotRequired[bool]  # the host must be able to limit bandwidth
    served: t.NotRequired[bool]  # the host must be able to answer its guest


class RequestSpec(t.TypedDict):
    """What the scheduler takes: one per request that has something to place (Nova's RequestSpec)."""

    id: str  # request-<index>
    request_index: int  # position of the request
    flavor: Flavor  # what is asked for
    image: SpecImage  # what is asked for
    num_instances: int  # new servers
    min_count: int  # fewer are a failure
    instance_uuids: list[str]  # of the new servers
    display_names: list[str]  # of the new servers
    is_bfv: bool  # booted from a volume
    target: Target  # zone, forced host, forced node
    scheduler_hints: dict[str, t.Any]  # without group
    group: str | None  # id of the server group
    project_id: str | None  # project; null: a template names none
    requested_destination: Destination | None  # host, hypervisor_hostname
    force_hosts: t.NotRequired[list[str]]  # inventory names that skip the filters, beside the target's
    force_nodes: t.NotRequired[list[str]]  # hypervisor_hostnames that skip the filters, beside the target's
    ignore_hosts: list[str]  # inventory names
    networks: list[SpecNetwork]  # the host must have them all


class SpecGroup(t.TypedDict):
    """A server group with the members that there are."""

    uuid: str  # the catalogue's id
    name: str  # the catalogue's name
    policy: str  # as in the catalogue
    rules: dict[str, t.Any]  # as in the catalogue
    members: list[str]  # uuids of servers


class KeptPort(t.TypedDict):
    """What a port made beforehand keeps from all others."""

    network_id: str  # of its network
    binding: Binding  # of its network
    mac_address: str | None  # lower case; null: chosen when a server gets it
    ip_addresses: list[str]  # its addresses; empty: chosen


class SeenRules(GroupRules):
    """A security group of a run, with what hosts had of it when the run read them."""

    seen: t.NotRequired[dict[str, RulesNumber]]  # by host; one that is left out had none of its rules. Left out: not known of every host


class Validation(t.TypedDict):
    """What the api stage returns; with any error there are no instances."""

    version: int  # 1
    errors: list[Fault]  # every fault
    warnings: list[str]  # sentences
    notes: list[str]  # sentences
    instances: list[BuildRequest]  # one per server
    request_specs: list[RequestSpec]  # one per request that has something to place
    groups: list[SpecGroup]  # the catalogue's server groups
    kept_ports: list[KeptPort]  # the catalogue's ports
    security_groups: list[SeenRules]  # those of the servers
    hosts_with_gaps: list[str]  # names of hosts whose ports are not filtered as they must be
    member_groups: list[str]  # the groups, as <project>/<group's id>, of which hosts have to know the members anew
    has_tunnels: bool  # a server is on a VXLAN network, of which hosts have to know who has it


# Scheduler stage


class Removal(t.TypedDict):
    """Why a filter dropped a host."""

    filter: str  # its name
    reason: str  # one sentence
    left: float | None  # how much of what is requested the host has left; null: the reason is about no amount
    asked: float | None  # how much is requested


class Weight(t.TypedDict):
    """What a weigher says of a host."""

    raw: float  # the weigher's number
    normalised: float  # between 0 and 1 over the hosts that are left
    multiplied: float  # with the weigher's multiplier


class Pick(t.TypedDict):
    """One server's turn in the scheduler."""

    instance_uuid: str  # of the server
    host: str | None  # inventory name; null: no host was left
    node: str | None  # hypervisor_hostname
    removed: dict[str, Removal]  # the hosts that filters dropped since the last pick
    survivors: int  # hosts that were left
    weighed: list[tuple[str, float]]  # the hosts that were left and their weights, best first
    weights: dict[str, dict[str, Weight]]  # by host and weigher, of the weighers that tell the host from others
    tied_for_best: t.NotRequired[list[str]]  # the hosts with the best weight, if there are several
    claim_failed: list[tuple[str, str]]  # hosts that were full already, and why, in the order in which they were tried
    alternates: list[str]  # inventory names, best first


class ScheduleResult(t.TypedDict):
    """What the scheduler makes of one request spec; ``server_schedule`` returns them as ``scheduled``."""

    id: str  # of the request spec
    result: str  # ok, partial, no_valid_host, api_error or scheduler_crash
    message: str  # one sentence, unless the result is ok
    rejected_by_placement: dict[str, str]  # why hosts were out before the filters
    omitted: int  # hosts whose reasons and weights are left out
    picks: list[Pick]  # one per server, up to the first that found no host


class Schedule(t.TypedDict):
    """What the scheduler returns."""

    version: int  # 1
    results: list[ScheduleResult]  # one per request spec, in their order


class WeighedHost(t.TypedDict):
    """One of the hosts that the filter weigh_hosts orders."""

    name: str  # inventory name
    weight: float  # the sum of its multiplied weights
    weights: dict[str, Weight]  # by weigher


# Allocation and conductor


class Alternate(t.TypedDict):
    """Where a server goes if its host refuses it or fails."""

    host: str  # inventory name
    node: str  # hypervisor_hostname
    zone: str  # its availability zone


class Attempt(t.TypedDict):
    """A host that did not do."""

    host: str  # inventory name
    stage: str  # reserve, claim or build
    error: str  # one sentence


class Placed(Order):
    """A server with its host and ports; what a host gets of it is its Order."""

    request_index: int  # position of its request
    host: str  # inventory name
    node: str  # hypervisor_hostname
    alternates: list[Alternate]  # best first
    attempts: list[Attempt]  # so far
    drift: list[Drift]  # of a server that is there
    power_state: str | None  # of a server that is there, as its host said last; null: not known
    image: Image | None  # what its root disk is made of, if it has to be made


class PlacementError(Error):
    """Why a server found no place."""

    reasons: dict[str, str]  # why not, by host


class Unplaced(t.TypedDict):
    """A server that found no host or no address."""

    request_index: int  # position of its request
    instance: Instance  # what was asked for
    error: PlacementError  # such as NoValidHost, NoMoreFixedIps, ImageNotFound, DuplicateServer


class RoundServer(t.TypedDict):
    """One server in a round."""

    placed: Placed | None  # where it is going; null: nowhere
    unplaced: Unplaced | None  # why nowhere
    status: str  # placed (to be claimed), claimed (to be built), releasing (its claim is given up), active, failed or unknown
    outcome: str | None  # the host's last word
    error: Error | None  # why it failed
    seconds: dict[str, float]  # by stage
    changed: bool  # something was done
    drift: list[Drift]  # secrets that differ
    warnings: list[str]  # what is not as it was asked for, as sentences
    console: list[str]  # the end of the console log


class Reserved(t.TypedDict):
    """The servers of a run that the registrar holds something for, by what is known of their claims."""

    open: list[str]  # ids of those that may be claimed, or whose claim nobody knows the outcome of
    claimed: list[str]  # whose claim is there: the registrar is to be told
    absent: list[str]  # of which nothing is there for certain: the registrar is to be told


class Round(t.TypedDict):
    """Where all servers of a run are, and who does what next."""

    version: int  # 1
    stage: str  # claim, release, build or done
    run: Run  # this run
    origin: Origin | None  # what its servers are recorded with; null: nothing
    max_attempts: int  # hosts to try for one server
    all_or_nothing: bool  # nothing is built unless every claim is taken: a plan
    servers: dict[str, RoundServer]  # by uuid, in the order of the requests
    placements: dict[str, list[str]]  # uuids of this stage, by host
    lost_hosts: dict[str, str]  # hosts that nothing more is sent to in this run, and why
    group_members: dict[str, dict[str, str]]  # hosts of the members that were there, by group id and uuid
    cached_images: dict[str, dict[str, str]]  # disk formats of the images in the caches, by host and digest
    images: dict[str, list[Image]]  # what this stage needs and the host's cache lacks, by host
    security_groups: list[SeenRules]  # those of its servers
    grants: dict[str, Grant]  # what hosts have to be shown for the claims of this stage, by host; empty without a registrar
    reserved: Reserved  # what the registrar holds


class Address(t.TypedDict):
    """An address, as Nova shows it."""

    version: int  # 4 or 6
    addr: str  # the address
    mac_addr: str  # of its port
    ssh_port: t.NotRequired[int | None]  # on a network without privileges: the TCP port of the host's loopback address that leads to its SSH; null: none does


class ReportRow(t.TypedDict):
    """One server of the run's result."""

    id: str  # the server's id
    name: str  # the server's name
    hostname: str  # the guest's host name
    domain: str  # the libvirt domain
    project: str  # project
    reservation_id: str  # one per request
    host: str | None  # inventory name
    zone: str | None  # availability zone
    addresses: dict[str, list[Address]]  # by network
    state: str  # ACTIVE, PAUSED, SUSPENDED, SHUTOFF, ERROR, UNKNOWN or PLANNED
    changed: bool  # something was done
    attempts: list[Attempt]  # hosts that did not do
    seconds: dict[str, float]  # by stage
    drift: list[Drift]  # where the server differs from the request, without what this run has applied
    warnings: list[str]  # what is not as it was asked for though the server runs, as sentences
    error: dict[str, t.Any] | None  # error_class, message, reasons
    console: list[str]  # the end of the console log


class OriginOptions(t.TypedDict):
    """What a run says of where its servers come from."""

    owner: str | None  # for whom; null: the user who asks
    job: str | None  # null: as AWX or CI say
    template: str | None  # null: as AWX or CI say
    ttl: str | None  # seconds, or with a unit, such as 2h; null or empty: no end


class LoginOptions(t.TypedDict):
    """How a play logs in to new servers."""

    login_group: str | None  # a group for them beside kvmfleet_servers
    login_user: str | None  # ansible_user
    login_private_key_file: str | None  # on the controller


class Login(t.TypedDict):
    """A server that is there, as ``add_host`` takes it. One that the inventory has already keeps its variables: it has the first three only."""

    name: str  # the host that it is in the running inventory: compute_inventory_prefix and the server's name
    groups: list[str]  # kvmfleet_servers, and the group that was asked for
    kvmfleet_id: str  # the server's id
    kvmfleet_host: t.NotRequired[str | None]  # inventory name of its hypervisor
    ansible_host: t.NotRequired[str]  # the address to log in to
    ansible_port: t.NotRequired[int]  # of its hypervisor's loopback address, which ansible_host is then
    ansible_user: t.NotRequired[str]  # who logs in
    ansible_ssh_private_key_file: t.NotRequired[str]  # on the controller


class ServerStat(t.TypedDict):
    """A server in short, for the next job of a workflow."""

    id: str  # the server's id
    name: str  # the server's name
    host: str | None  # inventory name
    state: str  # as in ReportRow
    reservation_id: str  # one per request
    addresses: dict[str, list[Address]]  # by network


class Summary(t.TypedDict):
    """What a round tells its play; ``server_conduct`` returns it beside the round."""

    report: list[ReportRow]  # every server
    lost: list[str]  # a sentence for each server that did not come to be
    logins: list[Login]  # empty in check mode
    table: list[str]  # the servers as lines of text
    stats: list[ServerStat]  # every server


# A plan that is kept


class PlannedResource(t.TypedDict):
    """How much of a resource class a host had, by the facts that a plan rests on."""

    total: int  # units
    reserved: int  # kept for the host
    allocation_ratio: float  # how often a unit may be given out
    used: int  # by what was there


class PlannedHost(t.TypedDict):
    """A host that a plan has servers on."""

    uuid: str  # the host's uuid; empty: not known
    resources: dict[str, PlannedResource]  # by resource class


class PlannedServer(t.TypedDict):
    """A server of a plan."""

    request_index: int  # position of its request
    host: str  # inventory name
    node: str  # hypervisor_hostname
    is_new: bool  # it is to be built; false: it was there
    instance: Instance  # with its id, host name, ports and zone


class Plan(t.TypedDict):
    """What the file of ``compute_plan_file`` holds. No secret is in it."""

    version: int  # 1
    collection_version: str  # of kvmfleet.compute that made it
    created_at: str  # ISO 8601, UTC, by the controller's clock
    fleet: str | None  # id of the epoch that enrolled the fleet; null: no host holds one
    project: str  # project
    salt: str  # random text, of the digests of secrets
    requests: list[t.Any]  # as they were asked for; user data as a digest, passwords not at all
    hosts: dict[str, PlannedHost]  # the servers' hosts, by inventory name
    servers: list[PlannedServer]  # in the order of the requests
    digest: str  # sha256:<hex> of all the rest


# Afterwards


class Guest(t.TypedDict):
    """A server that is there, as the inventory plugin has it."""

    id: str  # the server's id
    name: str  # the server's name
    hostname: str  # the guest's host name
    project: str  # project
    host: str  # inventory name of its hypervisor
    zone: str | None  # availability zone
    state: str  # ACTIVE, PAUSED, SUSPENDED or SHUTOFF
    flavor: str  # name of its flavor
    image: str | None  # name of its image
    group: str | None  # name of its server group
    tags: list[str]  # sorted
    metadata: dict[str, str]  # the user's
    reservation_id: str  # one per request
    created_at: str | None  # ISO 8601, UTC
    expires_at: str | None  # ISO 8601, UTC, from when a reaper may delete it; null: never
    owner: str | None  # for whom it was created
    job: str | None  # the job of AWX or CI that has created it
    template: str | None  # that job's template
    addresses: dict[str, list[Address]]  # by network


class Guests(t.TypedDict):
    """What the inventory plugin keeps of a fleet."""

    version: int  # 1
    guests: list[Guest]  # by host
    hosts: dict[str, list[str]]  # the addresses of each hypervisor that could be read
    unread: dict[str, str]  # hypervisors that could not be read, and why


# The registrar, as the controller sees it


class AnsweredClock(HostClock):
    """A host's clock, and when the controller had the answer."""

    answered_at: float  # s of the controller's monotonic clock


class Agreement(t.TypedDict):
    """What the hosts' answers to ``begin`` come to."""

    epoch: Epoch  # the one that the run goes for
    is_in_force: bool  # it may be worked with
    offers: dict[str, EpochOffer]  # what hosts are to take first, by host
    ticket: Ticket | None  # the run's; null: none was drawn
    reservations: list[Reservation]  # those that no facts need show yet
    holders: list[Ticket]  # of those, as far as they are open
    dead: dict[str, EndRequest]  # what hosts are to end first, by host: of runs of this controller that were killed
    highest_ticket: int  # the highest one that a host has recorded
    highest_host: str | None  # the host; null: none has recorded one
    clocks: dict[str, AnsweredClock]  # by host
