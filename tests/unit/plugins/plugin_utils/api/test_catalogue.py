"""The catalogue: what its variables become, and what is said of one that is wrong."""

from __future__ import annotations

import base64
import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import public_key
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import KINDS, derived_id, load
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.entries import image_shape

SUM = "sha256:" + "0" * 64
UUID = "11111111-1111-4111-8111-111111111111"


def key_of(kind: str, *parts: bytes, outer: str = "") -> str:
    """An OpenSSH key of these parts."""
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (kind.encode(), *parts))
    return f"{outer or kind} {base64.b64encode(blob).decode()} ops@example.org"


ED25519 = key_of("ssh-ed25519", b"k" * 32)
FLAVOR = {"vcpus": 1, "memory_mb": 512, "root_gb": 10}
IMAGE = {"source": "https://example.org/d.qcow2", "checksum": SUM}
SUBNET = {"cidr": "192.0.2.0/24"}
LAN = {"bridge": "br0", "subnets": [SUBNET]}
ONE_OF = "needs one of bridge, libvirt_network, openvswitch, macvtap, user, provider:network_type"
WHOLE: dict[str, dict[str, t.Any]] = {
    "flavors": {"small": {**FLAVOR, "id": 1, "swap": 512, "extra_specs": {"hw:cpu_cores": 1, "hw:mem_encryption": True}, "description": 2026}, "tiny": FLAVOR},
    "images": {"debian": {**IMAGE, "disk_format": "raw", "status": "queued", "properties": {"os_type": "linux"}}},
    "networks": {
        "lan": {
            **LAN,
            "mtu": 1500,
            "subnets": [
                {
                    **SUBNET,
                    "gateway_ip": "192.0.2.1",
                    "allocation_pools": [{"start": "192.0.2.10", "end": "192.0.2.19"}, {"start": "192.0.2.20", "end": "192.0.2.20"}],
                    "dns_nameservers": ["2001:db8::53"],
                    "host_routes": [{"destination": "10.0.0.1/8", "nexthop": "192.0.2.2"}],
                },
                {"cidr": "2001:db8::/64", "gateway_ip": None},
            ],
        },
        "ext": {"libvirt_network": "ext", "name": "lan"},
    },
    "ports": {"one": {"network": derived_id("network", "lan"), "mac_address": "FA-16-3E-00-00-01", "fixed_ips": [{"ip_address": "192.0.2.5"}]}},
    "security_groups": {
        "web": {"rules": [{"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80, "remote_group": "default"}]},
        "ping": {"rules": [{"direction": "ingress", "ethertype": "IPv6", "protocol": "icmpv6", "port_range_min": 128, "remote_ip_prefix": "::/0"}]},
        "none": None,
    },
    "keypairs": {"ops": {"public_key": ED25519}},
    "server_groups": {"apart": {"policy": "anti-affinity", "rules": {"max_server_per_host": 2}}, "near": {"policy": "soft-affinity", "rules": {}}},
    "quotas": {"instances": -1, "projects": {"ci": {"cores": 4}}},
    "policy": {"compute:servers:create": ["@"]},
}


def found(**variables: t.Any) -> list[tuple[str, str]]:
    """[(path, rule)] of the faults of these variables."""
    _catalogue, faults = load(variables)
    assert {(fault.error_class, fault.http_status) for fault in faults} <= {("InvalidCatalogue", 400)}
    return [(fault.path, fault.rule) for fault in faults]


def paths(**variables: t.Any) -> list[str]:
    """The paths of the faults."""
    return [path for path, _rule in found(**variables)]


def test_a_catalogue_that_is_right_has_no_fault_and_is_made_whole() -> None:
    catalogue, faults = load(WHOLE)
    assert faults == []
    small = catalogue.flavors.find(1)
    assert small is not None
    assert (small["id"], small["name"], small["ephemeral_gb"], small["description"]) == ("1", "small", 0, "2026")
    assert small["extra_specs"] == {"hw:cpu_cores": "1", "hw:mem_encryption": "True"}
    assert catalogue.ports.by_key["one"]["mac_address"] == "fa:16:3e:00:00:01"
    assert catalogue.networks.by_key["lan"]["subnets"][1]["dns_nameservers"] == []
    assert catalogue.security_groups.find("default") is not None
    assert (catalogue.quota("ci", "cores"), catalogue.quota("ci", "instances"), catalogue.quota("p", "cores")) == (4, -1, 20)


@pytest.mark.parametrize("kind", ["bridge", "libvirt_network"])
def test_a_network_says_once_how_ports_reach_it(kind: str) -> None:
    catalogue, faults = load({"networks": {"lan": {kind: "br0"}}})
    assert (faults, catalogue.networks.by_key["lan"]["binding"]) == ([], {"type": kind, "name": "br0"})


def test_an_id_may_be_written_in_any_way_that_a_uuid_has() -> None:
    catalogue, faults = load({"images": {"debian": {**IMAGE, "id": f"{{{UUID.upper()}}}"}}})
    assert faults == []
    assert catalogue.images.find(UUID) is catalogue.images.find(UUID.upper()) is catalogue.images.by_key["debian"]


def test_without_quotas_nothing_is_limited_and_a_null_quota_is_novas() -> None:
    assert load({})[0].quota("p", "cores") == -1
    assert load({})[0].quota("p", "metadata_items") == 128
    assert load({"quotas": {"cores": None}})[0].quota("p", "cores") == 20


@pytest.mark.parametrize(
    ("variables", "path", "rule"),
    [
        ({"flavors": []}, "compute_flavors", "must be a mapping from a name to its attributes"),
        ({"flavors": {"a": 3}}, "compute_flavors.a", "must be a mapping"),
        ({"flavors": {"a": {**FLAVOR, "memory": 1}}}, "compute_flavors.a.memory", "unknown key; did you mean memory_mb?"),
        ({"flavors": {"a": {**FLAVOR, "vcpus": 0}}}, "compute_flavors.a.vcpus", "must be at least 1"),
        ({"flavors": {"a": {**FLAVOR, "swap": -1}}}, "compute_flavors.a.swap", "must not be negative"),
        ({"flavors": {"a": {**FLAVOR, "root_gb": 2**31}}}, "compute_flavors.a.root_gb", "must be at most 2147483647"),
        ({"flavors": {"a": {**FLAVOR, "extra_specs": {"hw:cpu_cores": [1]}}}}, "compute_flavors.a.extra_specs.hw:cpu_cores", "must be text or"),
        ({"flavors": {"a": {**FLAVOR, "extra_specs": {"x": float("nan")}}}}, "compute_flavors.a.extra_specs.x", "must be text or a number"),
        ({"flavors": {"a": {**FLAVOR, "id": "1"}, "b": {**FLAVOR, "id": 1}}}, "compute_flavors.b.id", "is the id of a already"),
        ({"images": {"a": {"source": "x"}}}, "compute_images.a.checksum", "is required"),
        ({"images": {"a": {**IMAGE, "checksum": "md5:00"}}}, "compute_images.a.checksum", "must be sha256:<64 hexadecimal digits>"),
        ({"images": {"a": {**IMAGE, "checksum": "sha256:00"}}}, "compute_images.a.checksum", "must be sha256:<64 hexadecimal digits>"),
        ({"images": {"a": {**IMAGE, "checksum": "sha256:http://example.org/SUMS"}}}, "compute_images.a.checksum", "sums file, not over plain http"),
        (
            {"images": {"a": {**IMAGE, "source": "ftp://example.org/a"}}},
            "compute_images.a.source",
            "must be an http(s) or file URL, or a path on the controller",
        ),
        ({"images": {"a": {**IMAGE, "source": ""}}}, "compute_images.a.source", "must not be empty"),
        ({"images": {"a": {**IMAGE, "disk_format": "qcow"}}}, "compute_images.a.disk_format", "must be one of qcow2, raw; did you mean qcow2?"),
        ({"images": {"a": {**IMAGE, "status": "actve"}}}, "compute_images.a.status", "did you mean active?"),
        ({"images": {"a": {**IMAGE, "size": -1}}}, "compute_images.a.size", "must not be negative"),
        ({"images": {"a": {**IMAGE, "id": "1"}}}, "compute_images.a.id", "must be a UUID"),
        ({"images": {"a": {**IMAGE, "id": UUID}, "b": {**IMAGE, "id": f"{{{UUID}}}"}}}, "compute_images.b.id", "is the id of a already"),
        ({"networks": {"a": {}}}, "compute_networks.a", ONE_OF),
        ({"networks": {"a": {"bridge": "b", "libvirt_network": "l"}}}, "compute_networks.a", ONE_OF),
        ({"networks": {"a": {"bridge": "b", "provider:network_type": "local"}}}, "compute_networks.a", ONE_OF),
        ({"networks": {"a": {"bridge": "b", "vlan": 5}}}, "compute_networks.a.vlan", "must not be given without openvswitch"),
        ({"networks": {"a": {"openvswitch": "b", "vlan": 4095}}}, "compute_networks.a.vlan", "must be at most 4094"),
        ({"networks": {"a": {"openvswitch": "b", "vlan": 0}}}, "compute_networks.a.vlan", "must be at least 1"),
        ({"networks": {"a": {"macvtap": "eth1", "portgroup": "p"}}}, "compute_networks.a.portgroup", "must not be given without libvirt_network"),
        ({"networks": {"a": {"bridge": "much-too-long-for-linux"}}}, "compute_networks.a.bridge", "must be the name of a network interface"),
        ({"networks": {"a": {"bridge": "b", "mtu": 67}}}, "compute_networks.a.mtu", "must be at least 68"),
        ({"networks": {"a": {"bridge": "b", "dns_nameservers": ["one"]}}}, "compute_networks.a.dns_nameservers[0]", "must be an IPv4 or IPv6 address"),
        ({"networks": {"a": {"bridge": "b", "subnets": [{}]}}}, "compute_networks.a.subnets[0].cidr", "is required"),
        (
            {"networks": {"a": {"bridge": "b", "subnets": [SUBNET, {"cidr": "192.0.2.128/25"}]}}},
            "compute_networks.a.subnets[1].cidr",
            "must not overlap with 192.0.2.0/24 of subnets[0]",
        ),
        *(
            (
                {"networks": {"a": {binding: "b", "port_security_enabled": False, "subnets": [{**SUBNET, "dhcp": True, "dhcp_server": True}]}}},
                "compute_networks.a.subnets[0].dhcp_server",
                "must not be given: hosts answer guests on bridges only, of a network with bridge or provider:network_type",
            )
            for binding in ("libvirt_network", "openvswitch", "macvtap")
        ),
        ({"ports": {"a": {"network": "lam"}}, "networks": {"lan": LAN}}, "compute_ports.a.network", "unknown network; did you mean lan?"),
        ({"ports": {"a": {"network": "n"}}, "networks": {"x": {**LAN, "name": "n"}, "y": {**LAN, "name": "n"}}}, "compute_ports.a.network", "is the name of 2"),
        ({"ports": {"a": {"network": "lan", "mac_address": "01:00:5e:00:00:01"}}, "networks": {"lan": LAN}}, "compute_ports.a.mac_address", "must be the MAC"),
        (
            {"ports": {"a": {"network": "lan", "fixed_ips": [{"ip_address": "192.0.3.1"}]}}, "networks": {"lan": LAN}},
            "compute_ports.a.fixed_ips[0].ip_address",
            "must be in a subnet of network lan: 192.0.2.0/24",
        ),
        ({"ports": {"a": {"network": "lan", "fixed_ips": ["192.0.2.1"]}}, "networks": {"lan": LAN}}, "compute_ports.a.fixed_ips[0]", "must be a mapping"),
        ({"server_groups": {"a": {"policy": "antiaffinity"}}}, "compute_server_groups.a.policy", "did you mean anti-affinity?"),
        (
            {"server_groups": {"a": {"policy": "affinity", "rules": {"max_server_per_host": 1}}}},
            "compute_server_groups.a.rules",
            "only the policy anti-affinity",
        ),
        (
            {"server_groups": {"a": {"policy": "anti-affinity", "rules": {"max_server_per_host": 0}}}},
            "compute_server_groups.a.rules.max_server_per_host",
            "must be at least 1",
        ),
        ({"keypairs": {"a": {"public_key": ED25519, "type": "pgp"}}}, "compute_keypairs.a.type", "must be one of ssh, x509"),
        ({"quotas": []}, "compute_quotas", "must be a mapping"),
        ({"quotas": {"instance": 1}}, "compute_quotas.instance", "did you mean instances?"),
        ({"quotas": {"cores": -2}}, "compute_quotas.cores", "must be at least -1"),
        ({"quotas": {"projects": {"ci": {"ram": "1"}}}}, "compute_quotas.projects.ci.ram", "must be a whole number"),
    ],
)
def test_what_is_wrong_is_one_fault_with_its_path(variables: dict[str, t.Any], path: str, rule: str) -> None:
    [fault] = found(**variables)
    assert fault[0] == path
    assert rule in fault[1]


def test_what_is_secret_in_an_address_goes_no_further_and_stands_in_no_fault() -> None:
    source, sums = "https://u:p4ss@example.org/d.qcow2?sig=s3cret", "sha256:https://u:p4ss@example.org/SUMS?sig=s3cret"
    catalogue, faults = load({"images": {"a": {"source": source, "checksum": sums}}})
    assert faults == []
    image = image_shape(catalogue.images.by_key["a"])
    assert (image["source"], image["checksum"]) == ("https://example.org/d.qcow2", "sha256:https://example.org/SUMS")
    for wrong in ({"source": source.replace("https", "ftp"), "checksum": SUM}, {"source": source, "checksum": sums.replace("https", "http")}):
        (fault,) = load({"images": {"a": wrong}})[1]
        assert "example.org" in str(fault.value)
        assert not re.search("p4ss|s3cret", f"{fault.value} {fault.rule}")


def test_all_errors_of_a_subnet_come_at_once_and_without_followers() -> None:
    subnet = {
        "cidr": "192.0.2.0/24",
        "gateway_ip": "192.0.3.1",
        "gatway": 1,
        "allocation_pools": [
            {"start": "192.0.2.9", "end": "192.0.2.3"},
            {"start": "192.0.2.20", "end": "192.0.2.30"},
            {"start": "192.0.2.30", "end": "192.0.2.40"},
            {"start": "198.51.100.1", "end": 7},
        ],
        "dns_nameservers": ["one", 2],
        "host_routes": [{"destination": "2001:db8::/64", "nexthop": "2001:db8::1"}, {"destination": "x"}],
    }
    variables = {
        "networks": {"lan": {"bridge": 5, "subnets": [subnet, {"cidr": "192.0.2.1/24", "gateway_ip": "203.0.113.1"}]}},
        # That their network has faults is no fault of these.
        "ports": {"a": {"network": "lan"}},
    }
    below = [path.removeprefix("compute_networks.lan.") for path in paths(**variables)]
    assert sorted(below) == sorted(
        [
            "bridge",
            "subnets[0].gateway_ip",
            "subnets[0].gatway",
            "subnets[0].allocation_pools[0]",
            "subnets[0].allocation_pools[2]",
            "subnets[0].allocation_pools[3].start",
            "subnets[0].allocation_pools[3].end",
            "subnets[0].dns_nameservers[0]",
            "subnets[0].dns_nameservers[1]",
            "subnets[0].host_routes[0].destination",
            "subnets[0].host_routes[0].nexthop",
            "subnets[0].host_routes[1].destination",
            "subnets[0].host_routes[1].nexthop",
            # Without a cidr nobody can say that the gateway is outside it.
            "subnets[1].cidr",
        ]
    )


def test_a_mac_address_and_an_address_are_given_once_on_a_bridge() -> None:
    on_br0 = {"same": {"bridge": "br0", "subnets": [{"cidr": "198.51.100.0/24"}]}, "again": {"bridge": "br0", "subnets": [SUBNET]}}
    networks = {"lan": LAN, **on_br0, "other": {"bridge": "br1", "subnets": [SUBNET]}}
    mac = "fa:16:3e:00:00:01"
    ports = {
        "a": {"network": "lan", "mac_address": mac, "fixed_ips": [{"ip_address": "192.0.2.5"}]},
        "b": {"network": "same", "mac_address": mac.upper()},
        "c": {"network": "other", "mac_address": mac, "fixed_ips": [{"ip_address": "192.0.2.5"}]},
        "d": {"network": "lan", "fixed_ips": [{"ip_address": "192.0.2.5"}, {"ip_address": "192.0.2.6"}, {"ip_address": "192.0.2.6"}]},
        "e": {"network": "again", "fixed_ips": [{"ip_address": "192.0.2.6"}]},
    }
    assert found(networks=networks, ports=ports) == [
        ("compute_ports.b.mac_address", "is that of port a already, on the same bridge br0"),
        ("compute_ports.d.fixed_ips[0].ip_address", "is that of port a already, on the same bridge br0"),
        ("compute_ports.d.fixed_ips[2].ip_address", "is given twice"),
        ("compute_ports.e.fixed_ips[0].ip_address", "is that of port d already, on the same bridge br0"),
    ]


def test_address_pairs_need_port_security() -> None:
    pair = {"ip_address": "198.51.100.0/24", "mac_address": "FA-16-3E-00-00-02"}
    ports = {"p": {"network": "lan", "allowed_address_pairs": [pair]}}
    for of_network in (True, False):
        catalogue, faults = load({"networks": {"lan": {**LAN, "port_security_enabled": of_network}}, "ports": ports})
        wrong = [] if of_network else [("compute_ports.p.allowed_address_pairs", "needs port_security_enabled: true")]
        assert [(fault.path, fault.rule) for fault in faults] == wrong
    assert catalogue.ports.by_key["p"]["allowed_address_pairs"][0]["mac_address"] == "fa:16:3e:00:00:02"


@pytest.mark.parametrize(
    ("rule", "path", "words"),
    [
        ({}, "direction", "is required"),
        ({"direction": "in"}, "direction", "must be one of ingress, egress"),
        ({"ethertype": "ipv4"}, "ethertype", "must be one of IPv4, IPv6; did you mean IPv4?"),
        ({"protocol": "tcpp"}, "protocol", "must be any, a number from 0 to 255"),
        ({"protocol": 256}, "protocol", "must be any, a number from 0 to 255"),
        ({"protocol": "icmpv6"}, "protocol", "needs the ethertype IPv6"),
        ({"port": 80}, "port", "unknown key; known: direction, ethertype"),
        ({"port_range_min": 80}, "port_range_min", "needs a protocol"),
        ({"protocol": "any", "port_range_max": 80}, "port_range_max", "needs a protocol"),
        ({"protocol": "tcp", "port_range_min": 80}, "port_range_max", "is required together with port_range_min"),
        ({"protocol": "tcp", "port_range_min": 81, "port_range_max": 80}, "port_range_min", "must not be more than port_range_max 80"),
        ({"protocol": 17, "port_range_min": 0, "port_range_max": 80}, "port_range_min", "must be at least 1"),
        ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65536}, "port_range_max", "must be at most 65535"),
        ({"protocol": "gre", "port_range_min": 1}, "port_range_min", "protocol gre has no ports"),
        ({"protocol": "icmp", "port_range_min": 256}, "port_range_min", "must be at most 255"),
        ({"protocol": "icmp", "port_range_max": 0}, "port_range_min", "is required together with port_range_max"),
        ({"remote_ip_prefix": "::/0"}, "remote_ip_prefix", "must be of the ethertype IPv4"),
        ({"remote_ip_prefix": "0.0.0.0/0", "remote_group": "default"}, "remote_ip_prefix", "must not be given together with remote_group"),
        ({"remote_group": "defualt"}, "remote_group", "unknown security group; did you mean default?"),
    ],
)
def test_rules_of_a_security_group_are_neutrons(rule: dict[str, t.Any], path: str, words: str) -> None:
    [fault] = found(security_groups={"web": {"rules": [{"direction": "egress", **rule} if rule else {}]}})
    assert fault[0] == f"compute_security_groups.web.rules[0].{path}"
    assert words in fault[1]


CERTIFICATE = base64.b64encode(b"\x30\x82\x01\x00" + b"c" * 60).decode()
GOOD_KEYS = [
    ("ssh", ED25519),
    ("ssh", ED25519 + "\n"),
    ("ssh", ED25519.rsplit(" ", 1)[0]),
    ("ssh", key_of("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"n" * 256)),
    ("ssh", key_of("ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"p" * 64)),
    ("ssh", key_of("sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:")),
    ("ssh", key_of("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b"\x04" + b"p" * 64, b"ssh:")),
    ("x509", CERTIFICATE),
    ("x509", f"-----BEGIN CERTIFICATE-----\n{CERTIFICATE[:64]}\n{CERTIFICATE[64:]}\n-----END CERTIFICATE-----\n"),
]


@pytest.mark.parametrize(("kind", "text"), GOOD_KEYS, ids=[f"{kind} {text.split()[0][:36]}" for kind, text in GOOD_KEYS])
def test_a_public_key_of_a_known_form_is_taken(kind: str, text: str) -> None:
    assert found(keypairs={"ops": {"type": kind, "public_key": text}}) == []


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("ssh", "hello", "must start with its type"),
        ("ssh", key_of("ssh-dss", b"p", b"q", b"g", b"y"), "must start with its type"),
        ("ssh", "ssh-ed25519", "must have the key behind its type"),
        ("ssh", "ssh-ed25519 AAA!", "must have base64"),
        ("ssh", "ssh-ed25519 AAAA", "must have a whole ssh-ed25519 key"),
        ("ssh", key_of("ssh-ed25519", b"k" * 31), "must have a whole ssh-ed25519 key"),
        ("ssh", key_of("ssh-ed25519", b"k" * 32, b"more"), "must have a whole ssh-ed25519 key"),
        ("ssh", key_of("ssh-ed25519", b"k" * 32, outer="ssh-rsa"), "ssh-rsa is before it, ssh-ed25519 is in it"),
        ("ssh", f"{ED25519}\n{ED25519}", "must be one line"),
        ("ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "must be the public key"),
        ("x509", ED25519, "must be one X.509 certificate"),
        ("x509", "AAAA", "must be one X.509 certificate"),
    ],
)
def test_a_public_key_that_is_none_is_refused_and_not_shown(kind: str, text: str, words: str) -> None:
    _catalogue, [fault] = load({"keypairs": {"ops": {"type": kind, "public_key": text}}})
    assert fault.path == "compute_keypairs.ops.public_key"
    assert words in fault.rule
    # A type alone is no key.
    assert text in public_key.FIELDS or text not in f"{fault.value} {fault.rule}"


@given(
    st.sampled_from(["ssh", "x509"]),
    st.text() | st.sampled_from([ED25519, CERTIFICATE]).flatmap(lambda text: st.integers(0, len(text)).map(lambda n: text[:n])),
)
def test_no_text_as_a_key_gives_a_traceback(kind: str, text: str) -> None:
    public_key.fault(kind, text)
    public_key.shown(text)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
LEAVES |= st.sampled_from(["192.0.2.1", "192.0.2.0/24", "::1", "default", "lan", "tcp", "bridge", SUM, UUID, ED25519, "fa:16:3e:00:00:01", "anti-affinity"])
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, t.Any]:
    """The catalogue above with anything in up to four places of it."""

    def copy(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {key: copy(item) for key, item in value.items()}
        return [copy(item) for item in value] if isinstance(value, list) else value

    whole = copy(WHOLE)
    for _time in range(draw(st.integers(1, 4))):
        place: t.Any = whole
        while True:
            key = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
            if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.integers(0, 4)) == 0:
                place[key] = draw(ANYTHING)
                break
            place = place[key]
    return t.cast("dict[str, t.Any]", whole)


@given(st.dictionaries(st.sampled_from([*KINDS, "quotas", "policy"]), ANYTHING) | damaged())
def test_any_json_as_a_catalogue_gives_faults_and_never_a_traceback(variables: dict[str, t.Any]) -> None:
    catalogue, faults = load(variables)
    assert all(fault.path.startswith("compute_") and fault.rule for fault in faults)
    # One value has one fault, unless one is about a whole and another about a part of it.
    assert len({(fault.path, fault.rule) for fault in faults}) == len(faults)
    for kind in KINDS:
        given_ = variables.get(kind)
        if isinstance(given_, dict):
            entries = getattr(catalogue, kind)
            assert set(given_) <= set(entries.by_key) | entries.faulty
