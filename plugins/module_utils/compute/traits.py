# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's CPU can do, as Placement's traits; pure.

Follows ``nova/virt/libvirt/utils.py: CPU_TRAITS_MAPPING`` and ``nova/virt/libvirt/driver.py: _get_cpu_traits``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import CpuInfo

# libvirt's features whose trait is their name in capitals without punctuation.
PLAIN = frozenset(
    [
        "3dnow",
        "abm",
        "amx-bf16",
        "amx-int8",
        "amx-tile",
        "avx",
        "avx2",
        "avx512bw",
        "avx512cd",
        "avx512dq",
        "avx512er",
        "avx512f",
        "avx512pf",
        "avx512vl",
        "avx512vnni",
        "avx512vbmi",
        "avx512ifma",
        "avx512vbmi2",
        "avx512bitalg",
        "avx512-vpopcntdq",
        "bmi2",
        "f16c",
        "fma4",
        "mmx",
        "mpx",
        "sse",
        "sse2",
        "sse3",
        "sse4.1",
        "sse4.2",
        "sse4a",
        "ssse3",
        "tbm",
        "xop",
    ]
)
OTHERS: t.Dict[str, t.Tuple[str, ...]] = {
    "aes": ("AESNI",),
    "bmi1": ("BMI",),
    "fma": ("FMA3",),
    "gfni": ("AVX512GFNI",),
    "pclmuldq": ("CLMUL",),
    "sha-ni": ("SHA",),
    "svm": ("SVM", "AMD_SVM"),
    "vaes": ("AVX512VAES",),
    "vmx": ("VMX", "INTEL_VMX"),
    "vpclmulqdq": ("AVX512VPCLMULQDQ",),
}


def cpu_traits(cpu_info: CpuInfo) -> t.List[str]:
    """The traits of a host's CPU, sorted."""
    found: t.Set[str] = set()
    if cpu_info["arch"] in ("x86_64", "i686"):
        for feature in cpu_info["features"]:
            names = OTHERS.get(feature) or ((feature.upper().replace("-", "").replace(".", ""),) if feature in PLAIN else ())
            found.update(f"HW_CPU_X86_{name}" for name in names)
    if cpu_info["topology"].get("threads", 1) > 1:
        found.add("HW_CPU_HYPERTHREADING")
    return sorted(found)
