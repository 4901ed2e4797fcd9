"""dust_grant."""

import pytest
from django.core.management import CommandError, call_command

from dust import ledger
from dust.models import Transfer

pytestmark = pytest.mark.django_db


def test_it_grants_and_says_what_is_left(alice, capsys):
    call_command("dust_grant", "alice", "50", reason="Welcome back")
    assert capsys.readouterr().out == "Granted 50 DUST to alice, who can now spend 150.\n"
    row = Transfer.objects.get(amount=50)
    assert (row.kind, row.actor, row.reason) == ("grant", "dust_grant", "Welcome back")


def test_with_a_key_it_grants_once(alice, capsys):
    for _ in range(2):
        call_command("dust_grant", "alice", "50", reason="Welcome back", key="spring")
    assert "Had already granted 50 DUST to alice" in capsys.readouterr().out
    assert ledger.balance(alice.pk).available == 150


def test_without_a_key_it_grants_each_time(alice):
    for _ in range(2):
        call_command("dust_grant", "alice", "50", reason="Welcome back")
    assert ledger.balance(alice.pk).available == 200


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody", "50"], "There is no user nobody."),
        (["alice", "0"], "whole number from 1"),
        (["alice", "--", "-5"], "whole number from 1"),
        (["alice", "1.5"], "invalid int value"),
    ],
)
def test_it_refuses_what_is_no_grant(alice, arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        call_command("dust_grant", "--reason=Hello", *arguments)
    assert ledger.balance(alice.pk).available == 100


def test_a_used_key_is_an_error(alice):
    call_command("dust_grant", "alice", "50", reason="Welcome back", key="spring")
    with pytest.raises(CommandError, match="already used"):
        call_command("dust_grant", "alice", "51", reason="Welcome back", key="spring")


def test_it_wants_a_reason(alice):
    with pytest.raises(CommandError, match="--reason"):
        call_command("dust_grant", "alice", "50")
