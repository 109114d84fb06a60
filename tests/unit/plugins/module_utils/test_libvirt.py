"""What an error of libvirt means; the binding itself is a few lines, so that it may answer what a daemon rarely does."""

from __future__ import annotations

import contextlib
import threading
import types
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError

OPERATION_TIMEOUT, NO_DOMAIN, NO_SUPPORT, OTHER = 68, 42, 3, 1
RPC, QEMU = 7, 10


class Refused(Exception):
    def get_error_code(self) -> int:
        return t.cast(int, self.args[0])

    def get_error_domain(self) -> int:
        return QEMU


class Broken(Refused):
    """The client's own error: nobody has answered."""

    def get_error_domain(self) -> int:
        return RPC


class Domain:
    """A domain on which the next call fails with this code."""

    def __init__(self, code: int | None) -> None:
        self._code = code
        self.flags: list[int] = []

    def maxMemory(self) -> int:
        return 8 * libvirt.KIB_PER_GIB

    def createWithFlags(self, _flags: int) -> None:
        pass

    def undefineFlags(self, flags: int) -> None:
        self.flags.append(flags)
        if self._code is not None:
            raise Refused(self._code)

    def blockInfo(self, _path: str) -> list[int]:
        assert self._code is not None
        raise Refused(self._code)


def closed() -> None:
    raise AssertionError("who does not answer is not asked to close")


def refused() -> t.NoReturn:
    raise Refused(OTHER)


def hypervisor(
    monkeypatch: pytest.MonkeyPatch, domain: t.Any, *, alive: bool = True, reopen: t.Callable[[], object] | None = None, timeout_s: float = 60
) -> libvirt.Hypervisor:
    """``reopen``: what opening the connection again does."""
    connection = types.SimpleNamespace(isAlive=lambda: int(alive), close=closed, lookupByUUIDString=lambda _uuid: domain, getLibVersion=refused)
    binding = types.SimpleNamespace(
        libvirtError=Refused,
        VIR_ERR_OPERATION_TIMEOUT=OPERATION_TIMEOUT,
        VIR_ERR_NO_DOMAIN=NO_DOMAIN,
        VIR_ERR_NO_SUPPORT=NO_SUPPORT,
        VIR_FROM_RPC=RPC,
        VIR_DOMAIN_UNDEFINE_MANAGED_SAVE=1,
        VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA=2,
        VIR_DOMAIN_UNDEFINE_NVRAM=4,
        VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA=16,
        registerErrorHandler=lambda _handler, _context: None,
        VIR_DOMAIN_START_PAUSED=1,
        VIR_ERR_OPERATION_INVALID=55,
        open=lambda _uri: connection,
    )
    monkeypatch.setattr(libvirt, "libvirt", binding, raising=False)
    made = libvirt.Hypervisor("test:///", timeout_s)
    if reopen:
        binding.open = lambda _uri: reopen()
    return made


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


class Clock:
    """Time goes on where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_all_who_lost_the_connection_wait_for_it_together_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libvirt, "time", Clock())
    opened = []

    def reopen() -> object:
        opened.append(1)
        raise Refused(OTHER)

    together = threading.Barrier(20)

    class Gone:
        def undefineFlags(self, _flags: int) -> None:
            together.wait()
            raise Refused(OTHER)

    made = hypervisor(monkeypatch, Gone(), alive=False, reopen=reopen)
    caught: list[HypervisorError] = []

    def undefine() -> None:
        with pytest.raises(HypervisorError) as error:
            made.undefine("u")
        caught.append(error.value)

    threads = [threading.Thread(target=undefine) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(error.unknown, error.sent) for error in caught] == [(True, True)] * 20, "each of them was sent, and may have been carried out"
    assert len(opened) < 200, "one wait is 151 tries"
    assert "did not come back within 30 s" in str(made.lost)
    # And whoever comes later does not begin to wait.
    with pytest.raises(HypervisorError, match="did not come back") as later:
        made.resume("u")
    assert (later.value.unknown, later.value.sent, len(opened)) == (True, False, len(opened))


def test_a_call_that_is_never_answered_is_unknown_and_the_next_one_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    sent = []

    class Hung:
        def undefineFlags(self, _flags: int) -> None:
            sent.append("undefine")
            end.wait()

        def resume(self) -> None:
            sent.append("resume")

    made = hypervisor(monkeypatch, Hung(), timeout_s=0.05)
    with made:
        for call, was_sent in ((made.undefine, True), (made.resume, False)):
            with pytest.raises(HypervisorError, match="libvirt at test:/// has not answered a call within") as caught:
                call("u")
            assert (caught.value.unknown, caught.value.sent) == (True, was_sent)
    end.set()
    assert sent == ["undefine"]


def test_a_connection_that_never_opens_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    made = hypervisor(monkeypatch, Domain(None))
    del made
    monkeypatch.setattr(libvirt.libvirt, "open", lambda _uri: end.wait(30))
    with pytest.raises(HypervisorError, match="libvirt at test:/// has not answered a call within"):
        libvirt.Hypervisor("test:///", 0.05)
    end.set()


def test_what_was_sent_before_a_reconnection_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    # The answer is lost, the connection comes back, and before the call is made again another thread has waited in vain.
    made = hypervisor(monkeypatch, Domain(OTHER), alive=False)
    monkeypatch.setattr(made, "_reconnect", lambda _lost, _error: made._watchdog.give_up("no answer"))
    with pytest.raises(HypervisorError, match="no answer") as caught:
        made.undefine("u")
    assert (caught.value.unknown, caught.value.sent) == (True, True)


def test_a_call_that_the_connection_broke_under_is_made_again_though_it_is_still_said_to_be_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    class Cut(Domain):
        def undefineFlags(self, _flags: int) -> None:
            calls.append("undefine")
            if len(calls) == 1:
                raise Broken(OTHER)
            # The first call was carried out.
            raise Refused(NO_DOMAIN)

    domain = Cut(None)
    again = types.SimpleNamespace(isAlive=lambda: 1, close=closed, lookupByUUIDString=lambda _uuid: domain)
    hypervisor(monkeypatch, domain, reopen=lambda: again).undefine("u")
    assert calls == ["undefine", "undefine"]


def test_the_start_of_a_guest_has_a_second_more_for_each_gib(monkeypatch: pytest.MonkeyPatch) -> None:
    made = hypervisor(monkeypatch, Domain(None))
    limits = []
    call = made._watchdog.call
    monkeypatch.setattr(made._watchdog, "call", lambda function, limit_s, *others: (limits.append(limit_s), call(function, limit_s, *others))[1])
    made.start_paused("u")
    assert limits == [60, 68]


class WithFilters:
    """A connection whose call for network filters is refused with a code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def isAlive(self) -> int:
        return 1

    def close(self) -> None:
        pass

    def listAllNWFilters(self) -> list[object]:
        raise Refused(self._code)


def test_a_libvirt_without_the_driver_for_network_filters_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def reading(code: int) -> list[t.Any]:
        made = hypervisor(monkeypatch, Domain(None))
        monkeypatch.setattr(made, "_connection", WithFilters(code))
        return made.filters()

    assert reading(NO_SUPPORT) == []
    with pytest.raises(HypervisorError):
        reading(OTHER)


def test_a_short_call_never_waits_behind_guests_that_start_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    end, begun, places = threading.Event(), threading.Semaphore(0), threading.BoundedSemaphore(5)

    class Slow(Domain):
        """Of a libvirtd that works on five calls of a connection at once."""

        def createWithFlags(self, _flags: int) -> None:
            with places:
                begun.release()
                end.wait()

        def state(self) -> tuple[int, int]:
            with places:
                return (5, 0)

    made = hypervisor(monkeypatch, Slow(None))
    threads = [threading.Thread(target=made.start_paused, args=("u",)) for _number in range(10)]
    for thread in threads:
        thread.start()
    for _number in range(made.SLOW_CALLS):
        begun.acquire()
    # The others wait for their turn here, not in libvirtd.
    assert made.power_state("u") == "shutdown"
    assert not begun.acquire(blocking=False)
    end.set()
    for thread in threads:
        thread.join()


class AtWorkOnFilters(Domain):
    """A domain, and the connection to it, while libvirt makes the rules of ports: ``filters_answer``: it does not, and the domain hangs by itself."""

    def __init__(self, *, filters_answer: bool) -> None:
        super().__init__(None)
        self.end = threading.Event()
        self._filters_answer = filters_answer
        self.closed = False

    def resume(self) -> None:
        self.end.wait()

    def XMLDesc(self) -> str:
        return "<filter/>" if self._filters_answer or self.end.wait() else ""

    def listAllNWFilters(self) -> list[object]:
        return [self]

    def getLibVersion(self) -> int:
        return 9000000

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("filters_answer", [False, True])
def test_whom_a_change_of_network_filters_holds_up_waits_for_it(monkeypatch: pytest.MonkeyPatch, filters_answer: bool) -> None:
    working = AtWorkOnFilters(filters_answer=filters_answer)
    made = hypervisor(monkeypatch, working, reopen=lambda: working, timeout_s=0.05)
    monkeypatch.setattr(made, "FILTERS_ANSWER_S", 3600 if filters_answer else 0.05)
    works: list[bool] = []
    works_on_filters = made._works_on_filters

    def asked() -> bool:
        # Whoever waited goes on when the filters are there, and not at the same moment.
        works.append(len(works) < 2 and works_on_filters())
        if len(works) == 3:
            working.end.set()
        return works[-1]

    monkeypatch.setattr(made, "_works_on_filters", asked)
    with pytest.raises(HypervisorError, match="has not answered") if filters_answer else contextlib.nullcontext():
        made.resume("u")
    working.end.set()
    assert (works, working.closed) == ([False], True) if filters_answer else ([True, True, False], False)


def test_network_filters_hold_nobody_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    working = AtWorkOnFilters(filters_answer=False)
    made = hypervisor(monkeypatch, working, reopen=lambda: working, timeout_s=0.05)
    monkeypatch.setattr(made, "FILTERS_S", 0)
    with pytest.raises(HypervisorError, match="has not answered"):
        made.resume("u")
    working.end.set()


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, timeout_s: float) -> None:
    with pytest.raises(ServerError, match=r"libvirt_timeout_s: .* must be more than 0 and not more than 86400"):
        hypervisor(monkeypatch, Domain(None), timeout_s=timeout_s)


class Net:
    """A libvirt network, as it is defined and as it runs; ``lost``: the first answer to a change is lost on the way, after it took effect."""

    def __init__(self, *, active: bool = True, persistent: bool = True, lost: bool = False) -> None:
        self.active, self.persistent, self.lost = active, persistent, lost
        self.updates: list[tuple[int, ...]] = []

    def isActive(self) -> int:
        return int(self.active)

    def isPersistent(self) -> int:
        return int(self.persistent)

    def XMLDesc(self, flags: int) -> str:
        # Somebody has edited the definition since it was started.
        subnets = "<ip address='198.51.100.1' prefix='24'/>" if flags else ""
        return f"<network>{subnets}<ip address='192.0.2.1' prefix='24'><dhcp><host mac='52:54:00:00:00:01'/></dhcp></ip></network>"

    def update(self, command: int, section: int, index: int, xml: str, flags: int) -> None:
        assert xml == "<host/>"
        if (command, section, index, flags) in self.updates:
            raise Refused(55)
        self.updates.append((command, section, index, flags))
        if self.lost:
            self.lost = False
            raise Broken(38)


def on_network(monkeypatch: pytest.MonkeyPatch, net: Net | None) -> libvirt.Hypervisor:
    def look_up(_name: str) -> Net:
        if net is None:
            raise Refused(43)
        return net

    made = hypervisor(monkeypatch, None, reopen=lambda: types.SimpleNamespace(isAlive=lambda: 1, networkLookupByName=look_up))
    made._connection = t.cast(t.Any, types.SimpleNamespace(isAlive=lambda: 1, networkLookupByName=look_up))
    # As libvirt numbers them.
    numbers = {"VIR_NETWORK_UPDATE_COMMAND_ADD_LAST": 3, "VIR_NETWORK_UPDATE_COMMAND_DELETE": 2, "VIR_NETWORK_SECTION_IP_DHCP_HOST": 4}
    numbers |= {"VIR_NETWORK_UPDATE_AFFECT_LIVE": 1, "VIR_NETWORK_UPDATE_AFFECT_CONFIG": 2, "VIR_NETWORK_XML_INACTIVE": 1, "VIR_ERR_NO_NETWORK": 43}
    for name, number in numbers.items():
        monkeypatch.setattr(libvirt.libvirt, name, number, raising=False)
    return made


def test_a_dhcp_host_is_changed_as_the_network_is_defined_and_as_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    made = on_network(monkeypatch, net)
    for subnet in made.dhcp_subnets("default"):
        made.add_dhcp_host("default", subnet, "<host/>")
        made.remove_dhcp_host("default", subnet, "<host/>")
    assert net.updates == [(3, 4, 1, 2), (2, 4, 1, 2), (3, 4, 0, 1), (2, 4, 0, 1)]


@pytest.mark.parametrize(("active", "persistent", "layers"), [(False, True, ["config"]), (True, False, ["live"])])
def test_a_network_that_is_off_or_transient_is_there_once(monkeypatch: pytest.MonkeyPatch, active: bool, persistent: bool, layers: list[str]) -> None:
    made = on_network(monkeypatch, Net(active=active, persistent=persistent))
    assert [subnet.layer for subnet in made.dhcp_subnets("default")] == layers


def test_a_network_that_is_not_there_serves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_network(monkeypatch, None).dhcp_subnets("default") == []


def test_a_dhcp_host_whose_answer_was_lost_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(lost=True)
    made = on_network(monkeypatch, net)
    made.add_dhcp_host("default", made.dhcp_subnets("default")[0], "<host/>")
    assert len(net.updates) == 1
    with pytest.raises(HypervisorError):
        made.add_dhcp_host("default", made.dhcp_subnets("default")[0], "<host/>")
