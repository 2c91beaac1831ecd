"""Who may control a run."""

from __future__ import annotations

import pytest

from gandash.runs import access

ANNA, BEN, CARL = (access.key_of(access.new_secret()) for _ in range(3))


def test_a_key_tells_no_secret_and_is_no_secret() -> None:
    secret = access.new_secret()
    assert access.is_secret(secret) and not access.is_secret(access.key_of(secret))
    assert len(access.key_of(secret)) == 64 and secret not in access.key_of(secret)
    assert not access.is_secret(None) and not access.is_secret("") and not access.is_secret(secret + "\n")


def test_a_run_belongs_to_whoever_controls_it_first() -> None:
    assert access.claimed((), ANNA) == (ANNA,)
    assert access.claimed((ANNA,), ANNA) == (ANNA,)
    for owner in (BEN, ""):
        assert not access.may_control((ANNA,), owner)
        with pytest.raises(access.NotYoursError, match="belongs to somebody else"):
            access.claimed((ANNA,), owner)


@pytest.mark.parametrize("nobody", ["", access.ADMINISTRATOR])
def test_who_has_no_key_claims_nothing(nobody: str) -> None:
    assert access.claimed((), nobody) == ()


def test_the_administrator_controls_every_run_and_has_no_secret() -> None:
    assert access.claimed((ANNA,), access.ADMINISTRATOR) == (ANNA,)
    assert not access.is_secret(access.ADMINISTRATOR)


def test_a_control_link_lets_in_for_its_run_alone() -> None:
    token = access.control_token("a", (ANNA,))
    assert access.joined("a", (ANNA,), token, BEN) == (ANNA, BEN)
    assert access.joined("a", (ANNA, BEN), token, BEN) == (ANNA, BEN)
    assert access.control_token("a", (ANNA, BEN)) == token, "another owner makes no link void"
    for run_id, owners in (("b", (ANNA,)), ("a", (CARL,)), ("a", ())):
        with pytest.raises(access.NotYoursError, match="control link"):
            access.joined(run_id, owners, token, BEN)


@pytest.mark.parametrize("odd", ["", "0" * 40, "![x](http://example.org)", "x" * 100_000, "\udcff", "ü" * 40])
def test_a_token_that_is_made_up_does_not(odd: str) -> None:
    with pytest.raises(access.NotYoursError) as caught:
        access.joined("a", (ANNA,), odd, BEN)
    assert len(str(caught.value)) < 300


def test_of_very_many_owners_the_first_and_the_newest_stay() -> None:
    owners: tuple[str, ...] = (ANNA,)
    token = access.control_token("a", owners)
    for number in range(100):
        owners = access.joined("a", owners, token, f"{number:064x}")
    assert len(owners) == access.MOST_OWNERS and owners[0] == ANNA and owners[-1] == f"{99:064x}"
