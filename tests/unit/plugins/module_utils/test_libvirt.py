"""What an error of libvirt means; the binding itself is a few lines, so that it may answer what a daemon rarely does."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError

OPERATION_TIMEOUT, NO_DOMAIN, OTHER = 68, 42, 1


class Refused(Exception):
    def get_error_code(self) -> int:
        return t.cast(int, self.args[0])


class Domain:
    """A domain on which the next call fails with this code."""

    def __init__(self, code: int | None) -> None:
        self._code = code
        self.flags: list[int] = []

    def undefineFlags(self, flags: int) -> None:
        self.flags.append(flags)
        if self._code is not None:
            raise Refused(self._code)

    def blockInfo(self, _path: str) -> list[int]:
        assert self._code is not None
        raise Refused(self._code)


def hypervisor(monkeypatch: pytest.MonkeyPatch, domain: Domain, *, alive: bool = True) -> libvirt.Hypervisor:
    connection = types.SimpleNamespace(isAlive=lambda: int(alive), lookupByUUIDString=lambda _uuid: domain)
    binding = types.SimpleNamespace(
        libvirtError=Refused,
        VIR_ERR_OPERATION_TIMEOUT=OPERATION_TIMEOUT,
        VIR_ERR_NO_DOMAIN=NO_DOMAIN,
        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE=1,
        VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA=2,
        VIR_DOMAIN_UNDEFINE_NVRAM=4,
        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA=16,
        registerErrorHandler=lambda _handler, _context: None,
        open=lambda _uri: connection,
    )
    monkeypatch.setattr(libvirt, "libvirt", binding, raising=False)
    return libvirt.Hypervisor("test:///")


@pytest.mark.parametrize(("code", "unknown"), [(OPERATION_TIMEOUT, True), (OTHER, False)])
def test_a_refusal_is_an_answer_and_a_time_out_is_none(monkeypatch: pytest.MonkeyPatch, code: int, unknown: bool) -> None:
    with pytest.raises(HypervisorError) as caught:
        hypervisor(monkeypatch, Domain(code)).undefine("u")
    assert (caught.value.unknown, caught.value.code) == (unknown, code)


@pytest.mark.parametrize("code", [OPERATION_TIMEOUT, OTHER])
def test_a_disk_whose_size_a_busy_domain_does_not_say_has_none(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    assert hypervisor(monkeypatch, Domain(code)).disk_capacity("u", "/disk") is None


def test_a_definition_goes_with_all_that_libvirt_keeps_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = Domain(None)
    monkeypatch.setattr(libvirt, "UNDEFINE_TPM", 32)
    hypervisor(monkeypatch, domain).undefine("u")
    assert domain.flags == [1 | 2 | 4 | 16 | 32]


def test_a_call_that_ends_libvirtd_each_time_is_not_made_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    domain = Domain(OTHER)
    made = hypervisor(monkeypatch, domain, alive=False)
    monkeypatch.setattr(made, "_reconnect", lambda _lost, _error: None)
    with pytest.raises(HypervisorError, match="went away 4 times") as caught:
        made.undefine("u")
    assert caught.value.unknown
    assert len(domain.flags) == 4
