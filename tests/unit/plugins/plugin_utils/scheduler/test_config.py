# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import NOVA, OWN, Config, ConfigError, check


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "must be a mapping, not a list"),
        ({"filter": {}}, "filter: unknown key; known: filter_scheduler, metrics, scheduler"),
        ({"filter_scheduler": 3}, "filter_scheduler: must be a mapping, not 3"),
        ({"filter_scheduler": {"ram_weight_multiplyer": 1}}, "filter_scheduler.ram_weight_multiplyer: unknown key; did you mean ram_weight_multiplier?"),
        ({"filter_scheduler": {"ram_weight_multiplier": "high"}}, 'filter_scheduler.ram_weight_multiplier: must be a number, not "high"'),
        ({"filter_scheduler": {"ram_weight_multiplier": float("nan")}}, "filter_scheduler.ram_weight_multiplier: must be a number, not NaN"),
        ({"filter_scheduler": {"host_subset_size": True}}, "filter_scheduler.host_subset_size: must be a whole number, not true"),
        ({"filter_scheduler": {"host_subset_size": 0}}, "filter_scheduler.host_subset_size: must be at least 1"),
        ({"filter_scheduler": {"isolated_hosts": 1}}, "filter_scheduler.isolated_hosts: must be a list or text, not 1"),
        ({"filter_scheduler": {"isolated_hosts": ["h1", 1]}}, "filter_scheduler.isolated_hosts[1]: must be text, not 1"),
        ({"metrics": {"weight_setting": ["a=1", "b=nan"]}}, 'metrics.weight_setting[1]: must be name=ratio, such as cpu=1.5, not "b=nan"'),
        ({"metrics": {"weight_setting": "a=1, =2"}}, "metrics.weight_setting: must be name=ratio"),
        ({"metrics": {"required": "no"}}, 'metrics.required: must be true or false, not "no"'),
        ({"kvmfleet": {"profile": "Nova"}}, 'kvmfleet.profile: must be one of default, nova, not "Nova"; did you mean nova?'),
        (
            {"metrics": {"required": 1}, "DEFAULT": {"service_down_time": -1}},
            "metrics.required: must be true or false, not 1; DEFAULT.service",
        ),
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
    assert Config({"filter_scheduler": {"pci_weight_multiplier": None}, "kvmfleet": {"profile": None}, "metrics": None}).filter("pci_weight_multiplier") == 0.0
    assert Config({"filter_scheduler": {"isolated_hosts": "a, b"}}).filter("isolated_hosts") == ["a", "b"]
    check({"filter_scheduler": {"isolated_images": "a,b", "image_properties_default_architecture": None}})


def test_novas_defaults_and_our_own_are_options() -> None:
    check(NOVA)
    check(OWN)
    check({"metrics": {"weight_setting": "a=1, b = -2.5,"}, "filter_scheduler": {"image_props_weight_setting": ["a=0"]}})


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=4)
OPTION = st.sampled_from([(section, name) for section, options in NOVA.items() for name in options])


@given(ANYTHING | st.dictionaries(st.sampled_from(list(NOVA)), ANYTHING, max_size=3))
def test_any_json_as_options_is_taken_or_refused_and_never_a_traceback(options: t.Any) -> None:
    try:
        check(options)
    except ConfigError as error:
        assert str(error)
    else:
        Config(options)


@given(OPTION, st.none() | st.booleans() | st.integers() | st.floats())
def test_an_option_that_is_taken_has_the_type_of_its_default(option: tuple[str, str], value: t.Any) -> None:
    section, name = option
    try:
        check({section: {name: value}})
    except ConfigError:
        return
    default = NOVA[section][name]
    taken = Config({section: {name: value}}).get(section, name)
    assert default is None or isinstance(taken, type(default)) or (isinstance(default, float) and isinstance(taken, int) and not isinstance(taken, bool))
