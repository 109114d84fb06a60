# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config, ConfigError, check


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "must be a mapping of sections, not list"),
        ({"filter": {}}, "filter: unknown section; known: filter_scheduler, metrics, scheduler"),
        ({"filter_scheduler": 3}, "filter_scheduler: must be a mapping of options, not int"),
        ({"filter_scheduler": {"ram_weight_multiplyer": 1}}, "filter_scheduler.ram_weight_multiplyer: unknown option; did you mean ram_weight_multiplier?"),
        ({"filter_scheduler": {"ram_weight_multiplier": "high"}}, "filter_scheduler.ram_weight_multiplier: 'high' must be a number"),
        ({"filter_scheduler": {"host_subset_size": True}}, "filter_scheduler.host_subset_size: True must be a number"),
        ({"filter_scheduler": {"isolated_hosts": 1}}, "filter_scheduler.isolated_hosts: 1 must be a list"),
        ({"metrics": {"required": "no"}}, "metrics.required: 'no' must be true or false"),
        ({"kvmfleet": {"profile": "Nova"}}, "kvmfleet.profile: 'Nova' must be one of default, nova"),
    ],
)
def test_an_option_that_can_not_be_meant_is_named(options: t.Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(options)
    assert str(caught.value).startswith(sentence)


def test_what_is_given_wins_over_the_profile_and_the_profile_over_nova() -> None:
    assert Config({"kvmfleet": {"profile": "nova"}}).filter("pci_weight_multiplier") == 1.0
    assert Config().filter("pci_weight_multiplier") == 0.0
    assert Config({"filter_scheduler": {"pci_weight_multiplier": 3.0}}).filter("pci_weight_multiplier") == 3.0
    assert Config({"filter_scheduler": {"isolated_hosts": "a, b"}}).filter("isolated_hosts") == ["a", "b"]
    check({"filter_scheduler": {"isolated_images": "a,b", "image_properties_default_architecture": None}})
