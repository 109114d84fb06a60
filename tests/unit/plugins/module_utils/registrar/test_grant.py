"""Which claims a host takes by the epoch that their run was granted them in."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.grant import check_epoch, check_grant
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochId
from ansible_collections.kvmfleet.compute.tests.unit import make

OFF = make.epoch(3, store="none", registrar="")


def shown(number: int, name: str | None = None) -> EpochId:
    return {"number": number, "id": name or f"epoch {number}"}


@pytest.mark.parametrize(("held", "grant"), [(None, None), (OFF, None), (make.epoch(2), shown(2)), (make.epoch(2, store="postgresql"), shown(2))])
def test_a_host_takes_what_was_granted_in_its_own_epoch_and_without_a_registrar_what_was_not(held: Epoch | None, grant: EpochId | None) -> None:
    check_epoch(held, grant)


@pytest.mark.parametrize(
    ("held", "grant", "error_class", "sentence"),
    [
        (None, shown(1), "EpochMissing", "the host holds no epoch"),
        (OFF, shown(2), "EpochOver", "has no registrar"),
        (OFF, shown(3), "EpochOver", "has no registrar"),
        (OFF, shown(4), "EpochMissing", "still at epoch 3"),
        (make.epoch(2), None, "EpochMissing", "compute_registrar: none"),
        (make.epoch(2), shown(1), "EpochOver", "this run is of epoch 1, and the host is at epoch 2: run again"),
        (make.epoch(2), shown(3), "EpochMissing", "the host is at epoch 2 still"),
        (make.epoch(2), shown(2, "another"), "EpochForeign", "another fleet"),
    ],
)
def test_any_other_claim_is_refused_in_a_sentence_and_no_other_host_is_tried(
    held: Epoch | None, grant: EpochId | None, error_class: str, sentence: str
) -> None:
    with pytest.raises(Refused, match=sentence) as refused:
        check_epoch(held, grant)
    assert (refused.value.error_class, refused.value.reschedule) == (error_class, False)


def test_what_was_granted_to_a_ticket_that_was_ended_is_refused_and_other_tickets_go_on() -> None:
    state = HostState(make.epoch(2), 7, None, ({"ticket": 7, "until": {"boot_id": "boot-1", "seconds": 2000.0}},))
    check_grant(state, make.grant(make.epoch(2), ticket=8))
    with pytest.raises(Refused, match="ticket 7 was ended on this host, because its run was seen to be killed") as refused:
        check_grant(state, make.grant(make.epoch(2), ticket=7))
    assert (refused.value.error_class, refused.value.reschedule) == ("TicketOver", False)
