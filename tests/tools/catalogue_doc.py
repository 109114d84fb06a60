"""docs/catalogue.md: every key of the catalogue's variables, made of their schemas."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import OWN
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.options import OPTIONS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import catalogue
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import type_words
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import Schema

PATH = pathlib.Path(__file__).resolve().parents[2] / "docs" / "catalogue.md"
HEAD = """# The catalogue: inventory variables

`make docs-fields` writes this page from the schemas (`plugins/plugin_utils/schema/catalogue.py`, `plugins/plugin_utils/scheduler/options.py`).

A variable is a mapping from a name to its attributes, the same for all hosts. \\* is required; a key whose value is null counts as left out; a key that is not
here is an error. An `id` that is left out is derived from the name, and stays the same as long as the name does. References take the id or the name. Every
fault is told at once, with its path, before anything is done.
"""
# variable: what it is, and the schema of one entry, or of all
VARIABLES: dict[str, tuple[str, Schema]] = {
    "compute_flavors": ("Flavors, by name.", catalogue.FLAVOR),
    "compute_images": ("Images, by name.", catalogue.IMAGE),
    "compute_networks": ("Networks, by name.", catalogue.NETWORK),
    "compute_ports": ("Ports made beforehand, by name; a request names them by `networks[].port`.", catalogue.PORT),
    "compute_security_groups": ("Security groups, by name. The group `default` is there without being written.", catalogue.SECURITY_GROUP),
    "compute_keypairs": ("Public keys, by name.", catalogue.KEYPAIR),
    "compute_server_groups": ("Server groups, by name.", catalogue.SERVER_GROUP),
    "compute_quotas": ("Limits of each project; -1 is no limit. Without the variable there are none.", catalogue.QUOTAS),
    "compute_policy": (
        "Lists of roles, by rule: [] is nobody, [@] is anybody. Without the variable all is allowed. See [validate.md](validate.md).",
        catalogue.POLICY,
    ),
    "compute_aggregates": ("Host aggregates, by name.", catalogue.AGGREGATE),
    "compute_scheduler_options": (
        "Options of nova.conf, by section. The defaults are Nova's; another one of the profile `default` stands in front. See [scheduler.md](scheduler.md).",
        OPTIONS,
    ),
}
TAIL = """
## How images are fetched

`compute_image_url_username`, `compute_image_url_password` (from a vault), `compute_image_headers`, `compute_image_client_cert` and
`compute_image_client_key` (files on the hosts) go to the image servers that `compute_image_url_hosts` names, and to nobody else; over a redirect
only by https. `compute_image_ca_path` and `compute_image_use_proxy` go for all.
User, password and query of a `source` or of a sums file's address are used, and kept and shown nowhere.
An image that declares no `size` may have `compute_image_max_size_bytes` (64 GiB). Sums over plain http and redirects from https to http are refused.

## Variables of hosts

Set for a host or a group: `compute_availability_zone` (`nova`), `compute_disabled` (false), `compute_disabled_reason`, `compute_facts` {}, `compute_traits` [],
`compute_cpu_allocation_ratio` (4.0), `compute_ram_allocation_ratio` (1.0), `compute_disk_allocation_ratio` (1.0),
`compute_reserved_host_cpus` (0), `compute_reserved_host_memory_mb` (512), `compute_reserved_host_disk_mb` (0),
`compute_virt_type` (the best that works: `kvm`, else `qemu`), `compute_instances_path`
(`/var/lib/libvirt/kvmfleet/instances`), `compute_image_cache_path` (`/var/lib/libvirt/kvmfleet/images`), `compute_state_path`
(`/var/lib/kvmfleet`), `compute_libvirt_uri` (`qemu:///system`),
`compute_bridge_mappings` {} and `compute_tunnel_address` (that of its default route), for networks with a `provider:network_type` ([networks.md](networks.md)).
"""
# Limits of the type, not of the thing.
LARGEST = (0x7FFFFFFF, catalogue.MOST_BYTES)


def keys(schema: Schema, path: str = "") -> t.Iterator[tuple[str, Schema, bool]]:
    """(path, schema, required) of the keys of a mapping, and of those inside it."""
    for name, item in schema.get("properties", {}).items():
        here = f"{path}{name}"
        yield here, item, name in schema.get("required", [])
        yield from keys(item, f"{here}.")
        yield from keys(item.get("items", {}), f"{here}[].")
        others = item.get("additionalProperties")
        if isinstance(others, dict):
            yield from keys(others, f"{here}.<name>.")


def limits(schema: Schema) -> str:
    """What a value must hold to, in words."""
    found = []
    if "enum" in schema:
        found.append(", ".join(f"`{value}`" for value in schema["enum"]))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        found.append(f"{low} or more" if high is None or high in LARGEST else f"{low} to {high}")
    if schema.get("minLength") == 1:
        found.append("not empty")
    if "format" in schema:
        found.append(FORMATS[schema["format"]][1].replace("<", "&lt;"))
    for inside, word in ((schema.get("items"), "each"), (schema.get("additionalProperties"), "values")):
        if isinstance(inside, dict) and inside and "properties" not in inside:
            found.append(f"{word} {type_words(inside['type'])}" + (f": {limits(inside)}" if limits(inside) else ""))
    return "; ".join(found)


def default(path: str, schema: Schema) -> str:
    """The default as JSON; null says nothing."""
    section, _dot, name = path.partition(".")
    if schema.get("default") is None:
        return ""
    text = json.dumps(schema["default"])
    return f"{json.dumps(OWN[section][name])} (profile `nova`: {text})" if name in OWN.get(section, {}) else text


def text() -> str:
    """The page."""
    page = HEAD
    for variable, (about, schema) in VARIABLES.items():
        page += f"\n## {variable}\n\n{about}\n\n| key | type | limits | default | meaning |\n| --- | --- | --- | --- | --- |\n"
        for path, item, required in keys(schema):
            cells = (f"`{path}`{' *' if required else ''}", type_words(item["type"]), limits(item), default(path, item), item.get("description", ""))
            page += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
    return page + TAIL


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
