# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a flavor's extra specs and an image's properties fit together: CPU topology, pinning, NUMA, page sizes, and switches that both may set; pure.

Follows ``nova/virt/hardware.py``: ``numa_get_constraints``, ``get_cpu_topology_constraints``, ``get_best_cpu_topology`` and the ``get_*_constraint`` family, in
the order of ``API._validate_flavor_image_numa_pci``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import (
    CPU_POLICIES,
    ENCRYPTION_MODELS,
    PCI_AFFINITIES,
    THREAD_POLICIES,
)

Data = dict[str, t.Any]

STATELESS_MODELS = ("amd-sev-snp", "intel-tdx")
EMULATOR_POLICIES = ("isolate", "share")
PAGE_SIZES = {"small": -1, "large": -2, "any": -3}
UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4, "ki": 1024, "mi": 1024**2, "gi": 1024**3, "ti": 1024**4}
MOST_CELLS = 128
NO_LIMIT = 65536
MOST_QUEUES = 256  # of a tap, since Linux 4.0
TOPOLOGY = ("sockets", "cores", "threads")


class ConstraintError(Exception):
    """Flavor and image contradict each other, or one of them is wrong in itself: Nova's class and the rule in words."""

    def __init__(self, error_class: str, rule: str) -> None:
        super().__init__(rule)
        self.error_class = error_class
        self.rule = rule


def parse_cpus(spec: str) -> set[int]:
    """The CPUs of ``0-3,^2,5``; ConstraintError if it is malformed."""
    chosen: set[int] = set()
    dropped: set[int] = set()
    for part in filter(None, (item.strip() for item in str(spec).split(","))):
        match = re.fullmatch(r"(\^?)\s*(\d+)\s*(?:-\s*(\d+))?", part)
        if not match or (match.group(3) and int(match.group(3)) < int(match.group(2))):
            raise ConstraintError("Invalid", f"{part!r} must be a CPU, a range or an exclusion")
        numbers = range(int(match.group(2)), int(match.group(3) or match.group(2)) + 1)
        (dropped if match.group(1) else chosen).update(numbers)
    return chosen - dropped


def _mask(spec: str, vcpus: int) -> set[int]:
    """A mask that only excludes is taken off all CPUs."""
    return parse_cpus(f"0-{vcpus - 1},{spec}" if spec.strip().startswith("^") else spec)


def _texts(values: Data) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _number(text: str, what: str, error_class: str = "InvalidRequest") -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ConstraintError(error_class, f"{what} {text!r} must be a whole number") from error


def is_true(value: t.Any) -> bool:
    """As oslo reads a switch; what it doesn't know is off."""
    return str(value).strip().lower() in ("1", "t", "true", "on", "y", "yes")


class _Pair:
    """A flavor and an image, asked for the same thing under ``hw:name`` and ``hw_name``."""

    def __init__(self, flavor: t.Mapping[str, t.Any], properties: Data) -> None:
        self.vcpus, self.memory_mb = int(flavor.get("vcpus") or 1), int(flavor.get("memory_mb") or 512)
        self.specs: dict[str, str] = _texts(flavor.get("extra_specs") or {})
        self.properties: dict[str, str] = _texts(properties)

    def both(self, name: str, prefix: str = "hw") -> tuple[t.Any, t.Any]:
        return self.specs.get(f"{prefix}:{name}"), self.properties.get(f"{prefix}_{name}")

    def switch(self, name: str) -> bool | None:
        """A switch that both may set, and then alike."""
        of_flavor, of_image = self.both(name)
        flavor = None if of_flavor is None else is_true(of_flavor)
        image = None if of_image is None else is_true(of_image)
        if flavor is not None and image is not None and flavor != image:
            raise ConstraintError("FlavorImageConflict", f"hw:{name} of the flavor is {of_flavor}, hw_{name} of the image is {of_image}")
        return flavor if flavor is not None else image


def _memory_encryption(pair: _Pair) -> None:
    wanted = pair.switch("mem_encryption")
    if not wanted:
        return
    of_flavor, of_image = pair.both("mem_encryption_model")
    if of_flavor is not None and of_image is not None and of_flavor != of_image:
        raise ConstraintError("FlavorImageConflict", f"hw:mem_encryption_model of the flavor is {of_flavor}, of the image {of_image}")
    model = of_image or of_flavor or ENCRYPTION_MODELS[0]
    if model not in ENCRYPTION_MODELS:
        raise ConstraintError("Invalid", f"hw:mem_encryption_model {model!r} must be one of {', '.join(ENCRYPTION_MODELS)}")
    if pair.properties.get("hw_firmware_type") != "uefi":
        raise ConstraintError("FlavorImageConflict", "memory encryption needs an image with hw_firmware_type uefi")
    machine = pair.properties.get("hw_machine_type")
    if machine is not None and "q35" not in machine:
        raise ConstraintError("InvalidMachineType", f"memory encryption needs the machine type q35, the image has {machine}")
    if model in STATELESS_MODELS and not is_true(pair.properties.get("hw_firmware_stateless", "")):
        raise ConstraintError("StatelessFirmwareRequired", f"memory encryption {model} needs an image with hw_firmware_stateless true")
    if model == "intel-tdx" and pair.properties.get("hw_video_model") != "none":
        raise ConstraintError("InvalidVideoMode", "memory encryption intel-tdx needs an image with hw_video_model none")


def _serial_ports(pair: _Pair) -> None:
    of_flavor, of_image = pair.both("serial_port_count")
    most = None
    if of_flavor:
        most = _number(of_flavor, "hw:serial_port_count", "ImageSerialPortNumberInvalid")
    if most and of_image and _number(of_image, "hw_serial_port_count", "ImageSerialPortNumberInvalid") > most:
        raise ConstraintError("ImageSerialPortNumberExceedFlavorValue", f"the image wants {of_image} serial ports, the flavor allows {most}")


def _realtime(pair: _Pair) -> set[int] | None:
    if not is_true(pair.specs.get("hw:cpu_realtime", "")):
        return None
    of_flavor, of_image = pair.both("cpu_realtime_mask")
    mask = of_image or of_flavor
    everything = set(range(pair.vcpus))
    chosen = _mask(str(mask), pair.vcpus) if mask else everything
    # As in Nova an unknown policy for the emulator is told before a mask that covers too much.
    if not chosen or (not _emulator_policy(pair) and chosen == everything) or not chosen <= everything:
        rule = f"hw:cpu_realtime needs a mask of some of the {pair.vcpus} CPUs, or a policy for the emulator's threads; the mask is {mask or 'not given'}"
        raise ConstraintError("RealtimeMaskNotFoundOrInvalid", rule)
    return chosen


def _numbers(pair: _Pair, prefix: str) -> tuple[list[int], list[int]]:
    found: list[list[int]] = [[], []]
    for name in TOPOLOGY:
        for which, value in enumerate(pair.both(f"{prefix}{name}")):
            found[which].append(_number(value or "0", f"hw:{prefix}{name}"))
    return found[0], found[1]


def topology(pair: _Pair) -> tuple[int, int, int]:
    """[sockets, cores, threads] that come nearest to what is preferred, within the limits."""
    flavor_most, image_most = _numbers(pair, "cpu_max_")
    for name, of_flavor, of_image in zip(TOPOLOGY, flavor_most, image_most, strict=True):
        if of_flavor and of_image > of_flavor:
            raise ConstraintError("ImageVCPULimitsRangeExceeded", f"the image allows {of_image} {name}, the flavor at most {of_flavor}")
    most = [of_image or of_flavor or NO_LIMIT for of_flavor, of_image in zip(flavor_most, image_most, strict=True)]
    flavor_wants, image_wants = _numbers(pair, "cpu_")
    if any(wanted > limit for wanted, limit in zip(flavor_wants, most, strict=True)):
        flavor_wants = [0, 0, 0]
    for name, wanted, limit in zip(TOPOLOGY, image_wants, most, strict=True):
        if wanted > limit:
            raise ConstraintError("ImageVCPUTopologyRangeExceeded", f"the image wants {wanted} {name}, at most {limit} are allowed")
    preferred = image_wants if any(image_wants) else flavor_wants
    sockets, cores, threads = (min(pair.vcpus, limit) for limit in most)
    possible = [
        (s, c, pair.vcpus // (s * c))
        for s in range(1, sockets + 1)
        if pair.vcpus % s == 0
        for c in range(1, cores + 1)
        if pair.vcpus % (s * c) == 0 and pair.vcpus // (s * c) <= threads
    ]
    if not possible:
        rule = f"{pair.vcpus} CPUs can't be made of at most {sockets} sockets, {cores} cores and {threads} threads"
        raise ConstraintError("ImageVCPULimitsRangeImpossible", rule)
    possible.sort(key=lambda item: (item[0] * item[1], item[0], item[2]), reverse=True)

    def matches(item: tuple[int, int, int]) -> int:
        return sum(1 for wanted, value in zip(preferred, item, strict=True) if wanted and wanted == value)

    # Of those that match most of what is preferred, the first: more cores and sockets rather than threads.
    return max(possible, key=matches)


def _cpu_policy(pair: _Pair) -> str | None:
    of_flavor, of_image = pair.both("cpu_policy")
    for source, value in (("extra spec hw:cpu_policy", of_flavor), ("image property hw_cpu_policy", of_image)):
        if value and value not in CPU_POLICIES:
            raise ConstraintError("InvalidCPUAllocationPolicy", f"{source} {value!r} must be one of {', '.join(CPU_POLICIES)}")
    forbidden = {"mixed": ("dedicated",), "shared": ("mixed", "dedicated")}
    if of_image in forbidden.get(of_flavor, ()):
        raise ConstraintError("ImageCPUPinningForbidden", f"hw_cpu_policy {of_image} of the image must not override the flavor's {of_flavor}")
    return t.cast("str | None", of_flavor or of_image)


def _thread_policy(pair: _Pair) -> str | None:
    of_flavor, of_image = pair.both("cpu_thread_policy")
    for source, value in (("extra spec hw:cpu_thread_policy", of_flavor), ("image property hw_cpu_thread_policy", of_image)):
        if value and value not in THREAD_POLICIES:
            raise ConstraintError("InvalidCPUThreadAllocationPolicy", f"{source} {value!r} must be one of {', '.join(THREAD_POLICIES)}")
    if of_flavor in (None, "prefer"):
        return t.cast("str | None", of_flavor or of_image)
    if of_image and of_image != of_flavor:
        raise ConstraintError("ImageCPUThreadPolicyForbidden", f"hw_cpu_thread_policy {of_image} of the image must not override the flavor's {of_flavor}")
    return t.cast("str | None", of_flavor)


def _emulator_policy(pair: _Pair) -> str | None:
    policy = pair.specs.get("hw:emulator_threads_policy")
    if policy and policy not in EMULATOR_POLICIES:
        raise ConstraintError("InvalidEmulatorThreadsPolicy", f"hw:emulator_threads_policy {policy!r} must be one of {', '.join(EMULATOR_POLICIES)}")
    return policy or None


def _dedicated_mask(pair: _Pair) -> set[int] | None:
    mask = pair.specs.get("hw:cpu_dedicated_mask")
    if not mask:
        return None
    chosen, everything = _mask(str(mask), pair.vcpus), set(range(pair.vcpus))
    if not chosen or not everything - chosen or not chosen <= everything:
        raise ConstraintError("InvalidMixedInstanceDedicatedMask", f"hw:cpu_dedicated_mask {mask} must name some, not all, of the {pair.vcpus} CPUs")
    return chosen


def _explicit(pair: _Pair, resource: str) -> int:
    total = 0
    for key, value in pair.specs.items():
        if re.match(rf"resources([1-9][0-9]*)?:{resource}", key) and re.fullmatch(r"-?\d+", str(value)):
            total += int(value)
    return total


def _page_size(pair: _Pair) -> int | float | None:
    """In KiB; small, large and any as -1, -2, -3."""

    def read(text: str) -> int | float:
        if text in PAGE_SIZES:
            return PAGE_SIZES[text]
        if text.isdigit():
            return int(text)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]i?)?(b|bit)?", text, re.IGNORECASE)
        if not match or not (match.group(2) or match.group(3)):
            raise ConstraintError("MemoryPageSizeInvalid", f"memory page size {text!r} must be small, large, any or a size")
        # As oslo reads it: 1GB is 1024 MB.
        factor = UNITS[(match.group(2) or "").lower().removesuffix("i") and (match.group(2).lower().removesuffix("i") + "i")]
        return int(float(match.group(1)) * factor / (8 if match.group(3) == "bit" else 1)) / 1024

    of_flavor, of_image = pair.both("mem_page_size")
    if not of_flavor:
        if of_image:
            raise ConstraintError("MemoryPageSizeForbidden", f"the image wants page size {of_image}, which the flavor does not allow")
        return None
    size = read(str(of_flavor))
    if not of_image:
        return size
    if size in (PAGE_SIZES["any"], PAGE_SIZES["large"]):
        return read(str(of_image))
    raise ConstraintError("MemoryPageSizeForbidden", f"the image wants page size {of_image}, the flavor {of_flavor}")


def _node_count(pair: _Pair) -> int | None:
    of_flavor, of_image = pair.both("numa_nodes")
    if of_flavor and of_image:
        raise ConstraintError("ImageNUMATopologyForbidden", "hw_numa_nodes of the image must not override the flavor's")
    nodes = of_flavor or of_image
    if nodes is None:
        return None
    if not re.fullmatch(r"-?\d+", str(nodes)) or int(nodes) < 1:
        raise ConstraintError("InvalidNUMANodesNumber", f"hw:numa_nodes {nodes!r} must be a whole number of at least 1")
    return int(nodes)


def _per_cell(pair: _Pair, name: str, read: t.Callable[[str], t.Any]) -> list[t.Any] | None:
    """``hw:numa_cpus.0``, ``.1``, … of the flavor or the image, not of both."""
    found: list[list[t.Any]] = []
    for source, form in ((pair.specs, f"hw:{name}.%d"), (pair.properties, f"hw_{name}.%d")):
        values = []
        for cell in range(MOST_CELLS):
            if form % cell not in source:
                break
            values.append(read(str(source[form % cell])))
        found.append(values)
    if found[0] and found[1]:
        raise ConstraintError("ImageNUMATopologyForbidden", f"hw_{name} of the image must not override the flavor's")
    return found[0] or found[1] or None


def _cells(pair: _Pair, nodes: int) -> list[tuple[set[int], int]]:
    """[(CPUs, memory in MB)] of each cell."""
    cpu_list, memory_list = _per_cell(pair, "numa_cpus", parse_cpus), _per_cell(pair, "numa_mem", lambda text: _number(text, "hw:numa_mem"))
    if cpu_list is None and memory_list is None:
        if pair.vcpus % nodes or pair.memory_mb % nodes:
            rule = f"{pair.vcpus} CPUs and {pair.memory_mb} MB can't be divided evenly among {nodes} NUMA cells"
            raise ConstraintError("ImageNUMATopologyAsymmetric", rule)
        each = pair.vcpus // nodes
        return [(set(range(cell * each, (cell + 1) * each)), pair.memory_mb // nodes) for cell in range(nodes)]
    if cpu_list is None or memory_list is None or len(cpu_list) != nodes or len(memory_list) != nodes:
        raise ConstraintError("ImageNUMATopologyIncomplete", f"CPUs and memory must be given for each of the {nodes} NUMA cells")
    free = set(range(pair.vcpus))
    for cpus in cpu_list:
        for cpu in sorted(cpus):
            if cpu >= pair.vcpus:
                raise ConstraintError("ImageNUMATopologyCPUOutOfRange", f"CPU {cpu} is beyond the last one, {pair.vcpus - 1}")
            if cpu not in free:
                raise ConstraintError("ImageNUMATopologyCPUDuplicates", f"CPU {cpu} is in two NUMA cells")
            free.remove(cpu)
    if free:
        raise ConstraintError("ImageNUMATopologyCPUsUnassigned", f"CPUs {sorted(free)} are in no NUMA cell")
    if sum(memory_list) != pair.memory_mb:
        raise ConstraintError("ImageNUMATopologyMemoryOutOfRange", f"the NUMA cells have {sum(memory_list)} MB, the flavor {pair.memory_mb}")
    return list(zip(cpu_list, memory_list, strict=True))


def _pinning(pair: _Pair) -> tuple[str | None, str | None, set[int]]:
    """(CPU policy, thread policy, dedicated CPUs) after all that bears on them."""
    policy, threads = _cpu_policy(pair), _thread_policy(pair)
    realtime, dedicated, emulator = _realtime(pair), _dedicated_mask(pair), _emulator_policy(pair)
    vcpus, pcpus = _explicit(pair, "VCPU"), _explicit(pair, "PCPU")
    if policy and (vcpus or pcpus):
        raise ConstraintError("InvalidRequest", "resources:VCPU or resources:PCPU must not be given together with hw:cpu_policy")
    if vcpus and pcpus:
        raise ConstraintError("InvalidRequest", "resources:VCPU and resources:PCPU must not be given together")
    if pcpus:
        wanted = pair.vcpus + (1 if emulator == "isolate" else 0)
        if pcpus != wanted:
            raise ConstraintError("InvalidRequest", f"resources:PCPU must be {wanted} for this flavor, not {pcpus}")
        policy = "dedicated"
    if vcpus:
        policy = "shared"
    trait = next((str(value) for key, value in pair.specs.items() if re.match(r"trait([1-9][0-9]*)?:HW_CPU_HYPERTHREADING", key)), None)
    if trait is None and pair.properties.get("trait:HW_CPU_HYPERTHREADING") == "required":
        trait = "required"
    if threads and trait:
        raise ConstraintError("InvalidRequest", "trait:HW_CPU_HYPERTHREADING must not be given together with hw:cpu_thread_policy")
    threads = {"forbidden": "isolate", "required": "require"}.get(trait or "", threads)
    if policy in (None, "shared"):
        if threads:
            raise ConstraintError("CPUThreadPolicyConfigurationInvalid", "hw:cpu_thread_policy needs hw:cpu_policy dedicated or mixed")
        if emulator == "isolate":
            raise ConstraintError("BadRequirementEmulatorThreadsPolicy", "hw:emulator_threads_policy isolate needs hw:cpu_policy dedicated or mixed")
        if realtime and not dedicated:
            raise ConstraintError("RealtimeConfigurationInvalid", "hw:cpu_realtime needs hw:cpu_policy dedicated or mixed")
    if policy != "mixed" and dedicated:
        raise ConstraintError("RequiredMixedInstancePolicy", "hw:cpu_dedicated_mask needs hw:cpu_policy mixed")
    if policy == "mixed":
        if bool(realtime) == bool(dedicated):
            raise ConstraintError("RequiredMixedOrRealtimeCPUMask", "hw:cpu_policy mixed needs hw:cpu_dedicated_mask or hw:cpu_realtime_mask, not both")
        return policy, threads, dedicated or realtime or set()
    return policy, threads, set(range(pair.vcpus)) if policy == "dedicated" else set()


def _locked_memory(pair: _Pair) -> None:
    of_flavor, of_image = pair.both("locked_memory")
    if of_flavor is not None and of_image is not None and is_true(of_flavor) != is_true(of_image):
        raise ConstraintError("FlavorImageLockedMemoryConflict", f"hw:locked_memory of the flavor is {of_flavor}, of the image {of_image}")
    if is_true(of_flavor if of_flavor is not None else of_image or "") and not any(pair.both("mem_page_size")):
        raise ConstraintError("LockMemoryForbidden", "hw:locked_memory needs hw:mem_page_size")


def _numa(pair: _Pair) -> Data | None:
    policy, threads, dedicated = _pinning(pair)
    nodes, page_size = _node_count(pair), _page_size(pair)
    _locked_memory(pair)
    if not (nodes or page_size or pair.specs.get("hw:pmem") or policy in ("dedicated", "mixed")):
        return None
    cells = [
        {"id": index, "cpus": sorted(cpus), "pinned": sorted(cpus & dedicated), "memory_mb": memory, "pagesize": page_size}
        for index, (cpus, memory) in enumerate(_cells(pair, nodes or 1))
    ]
    return {"cells": cells, "cpu_policy": policy, "thread_policy": threads, "emulator_policy": _emulator_policy(pair)}


def numa(flavor: t.Mapping[str, t.Any], properties: Data) -> Data | None:
    """{cells: [{id, cpus, pinned, memory_mb, pagesize}], cpu_policy, thread_policy, emulator_policy} of the guest; None if it has no NUMA cells."""
    return _numa(_Pair(flavor, properties))


def pci_affinity(flavor: t.Mapping[str, t.Any], properties: Data) -> str | None:
    """How near its NUMA cells the guest wants its PCI devices (``get_pci_numa_policy_constraint``)."""
    of_flavor, of_image = _Pair(flavor, properties).both("pci_numa_affinity_policy")
    if of_flavor and of_image and of_flavor != of_image:
        raise ConstraintError("ImagePCINUMAPolicyForbidden", f"hw_pci_numa_affinity_policy {of_image} of the image is not the flavor's {of_flavor}")
    policy = of_flavor or of_image
    if policy and policy not in PCI_AFFINITIES:
        raise ConstraintError("InvalidPCINUMAAffinity", f"hw:pci_numa_affinity_policy {policy!r} must be one of {', '.join(PCI_AFFINITIES)}")
    return t.cast("str | None", policy or None)


def vif_queues(flavor: t.Mapping[str, t.Any], properties: Data) -> int | None:
    """Pairs of virtio queues of each NIC (``nova/virt/hardware.py: get_vif_multiqueue_constraint``): one for each CPU, as far as a tap has them; None: one."""
    pair = _Pair(flavor, properties)
    is_virtio = (pair.properties.get("hw_vif_model") or "virtio") == "virtio"
    return min(pair.vcpus, MOST_QUEUES) if pair.vcpus > 1 and is_virtio and pair.switch("vif_multiqueue_enabled") else None


def constraints(flavor: t.Mapping[str, t.Any], properties: Data) -> Data:
    """{topology: [sockets, cores, threads], numa: cells or None} of a flavor and an image's properties; ConstraintError for the first rule that they break."""
    pair = _Pair(flavor, properties)
    _memory_encryption(pair)
    pair.switch("pmu")
    _serial_ports(pair)
    _realtime(pair)
    chosen = topology(pair)
    if pair.vcpus > 1:
        pair.switch("vif_multiqueue_enabled")
    guest = _numa(pair)
    return {"topology": list(chosen), "numa": guest and guest["cells"]}


def packed_ring(flavor: t.Mapping[str, t.Any], properties: Data) -> None:
    """The one switch that Nova looks at before the disk sizes."""
    _Pair(flavor, properties).switch("virtio_packed_ring")
