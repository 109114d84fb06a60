"""docs/schemas is what the schemas of validation say (make docs-fields writes it), takes every example of the repository, and refuses what is plainly wrong."""

from __future__ import annotations

import copy
import json
import pathlib
import re
import typing as t

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import check_schema
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.facts_shape import FLEET_FILE, HOST_FACTS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import catalogue
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fits import fits
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.kvmfleet.compute.tests.unit import tool

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOOL = tool.load("editor_schemas")
SCHEMAS = {name: json.loads(TOOL.text(name)) for name in TOOL.SCHEMAS}
VALIDATORS = {name: jsonschema.Draft7Validator(schema) for name, schema in SCHEMAS.items()}


def blocks(page: str, language: str) -> list[t.Any]:
    """The documents in a page's blocks of a language."""
    return [yaml.safe_load(text) for text in re.findall(rf"(?ms)^```{language}$(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"))]


def examples() -> t.Iterator[t.Any]:
    for path in sorted((ROOT / "inventory" / "group_vars" / "all").glob("*.yml")):
        yield pytest.param("catalogue.json", yaml.safe_load(path.read_text(encoding="utf-8")), id=path.name)
    yield pytest.param("servers.json", yaml.safe_load((ROOT / "tests" / "demo" / "servers.yml").read_text(encoding="utf-8")), id="demo")
    for page in ("docs/first-fleet.md", "docs/editors.md"):
        variables, requests = blocks(page, "yaml")
        yield pytest.param("catalogue.json", variables, id=f"{page} catalogue")
        yield pytest.param("servers.json", requests, id=f"{page} servers")
    yield pytest.param("fleet.json", blocks("docs/first-fleet.md", "json")[0], id="first fleet")
    for page in ("README.md", "roles/create_server/README.md"):
        yield pytest.param("servers.json", blocks(page, "yaml")[0][0]["tasks"][0]["vars"], id=page)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_file_is_current_and_a_schema(name: str) -> None:
    assert (TOOL.FOLDER / name).read_text(encoding="utf-8") == TOOL.text(name), "run make docs-fields"
    jsonschema.Draft7Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(("name", "document"), list(examples()))
def test_the_examples_are_right(name: str, document: t.Any) -> None:
    assert [error.message for error in VALIDATORS[name].iter_errors(document)] == []


SERVER: dict[str, t.Any] = {"name": "web", "flavor": "m1.small", "image": "debian-12", "networks": [{"name": "lan"}]}
BODY = {"server": {"name": "web", "flavorRef": "1", "imageRef": "70a599e0-31e7-49b7-b260-868f441e862b", "networks": "auto"}}
FLAVOR = {"vcpus": 1, "memory_mb": 512, "root_gb": 1}


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("servers.json", [SERVER], []),
        ("servers.json", [SERVER], {"servers": [SERVER]}),
        ("servers.json", [SERVER], [{key: SERVER[key] for key in SERVER if key != "flavor"}]),
        ("servers.json", [{**SERVER, "min_count": "2"}], [{**SERVER, "min_count": 0}]),
        ("servers.json", [SERVER], [{**SERVER, "flavour": "m1.small"}]),
        ("servers.json", [SERVER], [{**SERVER, "networks": [{"nmae": "lan"}]}]),
        ("servers.json", [{**SERVER, "networks": "none"}], [{**SERVER, "networks": "lan"}]),
        ("servers.json", [{**SERVER, "user_data": "I2Nsb3VkLWNvbmZpZwo="}], [{**SERVER, "user_data": "#cloud-config"}]),
        ("servers.json", [{**SERVER, "scheduler_hints": {"group": "apart"}}], [{**SERVER, "scheduler_hints": {"build_near_host_ip": "kvm1"}}]),
        ("servers.json", [BODY], [{**BODY, "flavor": "m1.small"}]),
        ("servers.json", [BODY], [{"server": {**BODY["server"], "os:scheduler_hints": {}}}]),
        ("servers.json", {"compute_servers": "{{ wanted }}", "mine": 1}, {"compute_servers": "wanted"}),
        ("servers.json", [{**SERVER, "accessIPv4": "{{ address }}"}], [{**SERVER, "accessIPv4": "address"}]),
        ("catalogue.json", {"compute_flavors": {"a": FLAVOR}, "mine": 1}, {"compute_flavors": {"a": {**FLAVOR, "vcpu": 1}}}),
        ("catalogue.json", {"compute_flavors": {"a": {**FLAVOR, "swap": None}}}, {"compute_flavors": {"a": {**FLAVOR, "vcpus": None}}}),
        ("catalogue.json", {"compute_flavors": {"a": {**FLAVOR, "vcpus": "{{ n }}"}}}, {"compute_flavors": {"a": {**FLAVOR, "vcpus": "n"}}}),
        ("catalogue.json", {"compute_networks": {"a": {"bridge": "br0"}}}, {"compute_networks": {"a": {"bridge": "a-much-too-long-name"}}}),
        ("catalogue.json", {"compute_security_groups": {"default": None}}, {"compute_flavors": {"a": None}}),
        ("catalogue.json", {"compute_policy": {"compute:servers:create": ["@"]}}, {"compute_policy": {"creat": ["@"]}}),
        ("catalogue.json", {"compute_quotas": {"projects": {"ci": {"cores": 4}}}}, {"compute_quotas": {"projects": {"ci": {"core": 4}}}}),
        ("catalogue.json", {"compute_server_groups": {"a": {"policy": "affinity"}}}, {"compute_server_groups": {"a": {"policy": "afinity"}}}),
        ("fleet.json", {"version": 1, "hosts": {"a": {"host_info": {"failed": True}}}}, {"version": 2, "hosts": {}}),
        ("fleet.json", {"version": 1, "hosts": {}}, {"version": 1, "hosts": {"a": {"vcpus": 1}}}),
        ("fleet.json", {"version": 1, "hosts": {}}, {"version": 1, "hosts": {"a": {"host_info": {"host": {"vcpus": "4", "memory_mb": 1, "disk_gb": 1}}}}}),
    ],
)
def test_a_slip_is_refused_and_what_was_meant_is_not(name: str, right: t.Any, wrong: t.Any) -> None:
    assert VALIDATORS[name].is_valid(right)
    assert not VALIDATORS[name].is_valid(wrong)


def test_every_body_that_validation_takes_is_right() -> None:
    lines = (ROOT / "tests" / "conformance" / "schema_cases.jsonl").read_text(encoding="utf-8").splitlines()
    bodies = [body for body in (json.loads(line)["body"] for line in lines) if isinstance(body, dict) and not list(check_schema(body))]
    assert len(bodies) > 100
    wrong = [body for body in bodies if not VALIDATORS["servers.json"].is_valid([body])]
    assert wrong == []


# Odd spellings beside the usual one.
SPELLINGS = {
    "uuid": ["70a599e0-31e7-49b7-b260-868f441e862b", "urn:uuid:{70A599E031E749B7B260868F441E862B}"],
    "ip": ["192.0.2.1", "2001:DB8::192.0.2.1"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["::", "2001:DB8::192.0.2.1"],
    "cidr": ["192.0.2.0/255.255.255.0", "2001:db8::/64", "192.0.2.1"],
    "prefix": ["192.0.2.1/24", "2001:DB8::1/64"],
    "mac": ["fa:16:3e:00:00:01", "fa16.3e00.0001"],
    "checksum": ["sha256:" + 64 * "A", "sha512:SHA512SUMS", "sha256:https://example.org/sums"],
    "source": ["https://example.org/a", "images/a b.qcow2", "file:///a"],
    "interface": ["br0", "a.b@c{d}é"],
    "protocol": ["any", "icmp", 255],
    "weights": ["cpu=1.5, ram=-1"],
    "switch": ["Yes", True, 0],
    "trait": ["CUSTOM_SSD"],
    "base64": ["I2Nsb3Vk\nLWNvbmZpZwo="],
    "name": ["web 1é"],
    "printable": ["a\n"],
    "count": ["1", 2],
    "size": ["1", 2147483647],
}


def test_every_format_has_its_spellings() -> None:
    assert set(SPELLINGS) == set(FORMATS)
    assert [(name, value) for name, values in SPELLINGS.items() for value in values if not FORMATS[name][0](value)] == []


def test_no_pattern_is_narrower_than_its_format() -> None:
    assert [(name, value) for name, pattern in TOOL.PATTERNS.items() for value in SPELLINGS[name] if not re.search(pattern, value)] == []


PLAIN: dict[str, st.SearchStrategy[t.Any]] = {
    "object": st.dictionaries(st.text(min_size=1, max_size=3), st.integers(), max_size=2),
    "array": st.just([]),
    "string": st.text(min_size=1, max_size=3),
    "boolean": st.booleans(),
    "null": st.none(),
}


def fitting(schema: dict[str, t.Any]) -> st.SearchStrategy[t.Any]:
    """Documents that fit a schema of the collection's own."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "format" in schema:
        return st.sampled_from(SPELLINGS[schema["format"]]).filter(lambda value: fits(schema, value))
    if "properties" in schema:
        required = schema.get("required", [])
        inside = {name: fitting(item) for name, item in schema["properties"].items()}
        optional = {name: st.none() | item for name, item in inside.items() if name not in required}
        return st.fixed_dictionaries({name: inside[name] for name in required}, optional=optional)
    if "items" in schema:
        return st.lists(fitting(schema["items"]), min_size=schema.get("minItems", 0), max_size=2)
    if isinstance(schema.get("additionalProperties"), dict):
        return st.dictionaries(st.text(min_size=1, max_size=3), fitting(schema["additionalProperties"]), max_size=2)
    numbers = st.integers(int(schema.get("minimum", -9)), int(schema.get("maximum", 9)))
    kinds = schema.get("type", list(PLAIN))
    return st.one_of([PLAIN.get(kind, numbers) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


@pytest.mark.parametrize("kind", [*catalogue.ENTRIES, "aggregates"])
def test_every_entry_that_validation_takes_is_right(kind: str) -> None:
    schema = catalogue.ENTRIES.get(kind, catalogue.AGGREGATE)

    @given(fitting(schema))
    def holds(entry: t.Any) -> None:
        assert fits(schema, entry)
        assert [error.message for error in VALIDATORS["catalogue.json"].iter_errors({f"compute_{kind}": {"a": entry}})] == []

    holds()


@given(fitting(HOST_FACTS))
def test_all_facts_that_validation_takes_are_right(facts: t.Any) -> None:
    document = {"version": 1, "hosts": {"a": {"host_info": {"host": copy.deepcopy(facts)}}}}
    assert fits(FLEET_FILE, document)
    assert fits(HOST_FACTS, facts)
    assert [error.message for error in VALIDATORS["fleet.json"].iter_errors(document)] == []
