# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.traits import cpu_traits


def test_features_are_traits_by_their_names_in_placement() -> None:
    info = {"arch": "x86_64", "features": ["aes", "avx512-vpopcntdq", "sse4.2", "svm", "arat"], "topology": {"threads": 1}}
    names = ["AESNI", "AMD_SVM", "AVX512VPOPCNTDQ", "SSE42", "SVM"]
    assert cpu_traits(info) == [f"HW_CPU_X86_{name}" for name in names]


def test_threads_are_a_trait_and_other_architectures_have_no_x86_ones() -> None:
    assert cpu_traits({"arch": "aarch64", "features": ["aes"], "topology": {"threads": 2}}) == ["HW_CPU_HYPERTHREADING"]
    assert cpu_traits({"arch": "aarch64", "features": [], "topology": {}}) == []
