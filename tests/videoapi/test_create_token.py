"""`manage.py create_token`: the token alone on standard output, and all or nothing."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from accounts import tokens
from accounts.models import ApiToken, User
from dust import ledger

pytestmark = pytest.mark.django_db


def create_token(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("create_token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_token_is_alone_on_standard_output():
    out, err = create_token("dora")
    assert re.fullmatch(r"vg_live_[\w-]{43}\n", out)
    assert out.strip() not in err
    assert "dora" in err


def test_it_makes_the_user_without_a_password():
    out, _ = create_token("dora")
    user, token = tokens.authenticate(out.strip())
    assert (user.username, token.name, token.expires_at) == ("dora", "command line", None)
    assert not user.has_usable_password()


def test_it_keeps_a_user_who_is_there(alice):
    out, _ = create_token("alice")
    assert tokens.authenticate(out.strip())[0] == alice
    assert User.objects.get(pk=alice.pk).check_password("alice-password")


def test_each_call_makes_another_token_and_grants_again(alice, settings):
    before = ledger.balance(alice.pk).available
    first, _ = create_token("alice", "--grant", "40")
    second, _ = create_token("alice", "--grant", "2")
    assert first != second
    assert ledger.balance(alice.pk).available == before + 42


def test_without_a_grant_the_user_has_the_opening_one(settings):
    settings.DUST_OPENING_GRANT = 7
    create_token("dora")
    assert ledger.balance(User.objects.get(username="dora").pk).available == 7


def test_a_name_and_an_end_can_be_given():
    _, err = create_token("dora", "--name", "the studio", "--days", "30")
    token = ApiToken.objects.get()
    assert token.name == "the studio"
    assert round((token.expires_at - token.created_at).total_seconds() / 86_400) == 30
    assert f"{token.expires_at:%Y-%m-%d}" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["dora", "--grant", "-1"],
        ["dora", "--grant", "1.5"],
        ["dora", "--grant", "many"],
        ["dora", "--grant", "9" * 40],
        ["dora", "--grant", str(10**18)],
        ["dora", "--days", "0"],
        ["dora", "--days", "99999999"],
        ["dora", "--name", ""],
        ["dora", "--name", "x" * 101],
        ["dora", "--name", "a\x00b"],
        ["two words"],
        [""],
        ["x" * 151],
        ["nul\x00"],
    ],
    ids=lambda arguments: " ".join(arguments)[:30].replace("\x00", "NUL"),
)
def test_what_it_cannot_do_it_refuses_whole(arguments):
    with pytest.raises(CommandError):
        create_token(*arguments)
    assert not User.objects.exists()
    assert not ApiToken.objects.exists()


def test_it_makes_no_token_for_someone_inactive(alice):
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="not active"):
        create_token("alice")
    assert not ApiToken.objects.exists()
