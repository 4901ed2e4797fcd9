"""Staff's groups: there once `migrate` is done, with just their rights, the operator's to change."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from dust import triggers
from jobs import support

pytestmark = pytest.mark.django_db

RIGHTS = {
    "accounts.view_user",
    "dust.view_account",
    "dust.view_transfer",
    "dust.grant_dust",
    "videos.view_video",
    "jobs.view_job",
    "jobs.view_jobevent",
    "jobs.view_worker",
    "jobs.cancel_queued_job",
    "jobs.refund_job",
    "jobs.rerun_job",
    "jobs.view_remotetask",
    "jobs.review_remotetask",
    "webhooks.view_endpoint",
    "webhooks.view_delivery",
    "webhooks.view_attempt",
    "webhooks.test_endpoint",
    "webhooks.replay_delivery",
}


FINANCES = {"jobs.view_remotetask", "jobs.view_margin"}


def make():
    return support.make_groups(apps, using="default")


def rights_of(name):
    names = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
    return {f"{label}.{name}" for label, name in names}


def test_support_has_just_its_rights(sam):
    assert sam.get_all_permissions() == RIGHTS


def test_finance_has_just_its_rights(fiona):
    assert fiona.get_all_permissions() == FINANCES


def test_support_can_neither_change_users_nor_see_tokens(desk, alice):
    assert desk.get(f"/admin/accounts/user/{alice.pk}/change/").status_code == 200
    assert desk.post(f"/admin/accounts/user/{alice.pk}/change/", {"username": "x"}).status_code == 403
    assert desk.get("/admin/accounts/user/add/").status_code == 403
    assert desk.get("/admin/accounts/apitoken/").status_code == 403
    assert desk.get("/admin/auth/group/").status_code == 403


def test_support_can_grant_dust_but_not_edit_the_books(desk, alice, queued):
    account = alice.dust_account
    assert desk.get(f"/admin/dust/account/{account.pk}/grant/").status_code == 200
    assert desk.get("/admin/dust/transfer/").status_code == 200
    assert desk.get("/admin/dust/transfer/add/").status_code == 403
    assert desk.post(f"/admin/dust/account/{account.pk}/change/", {"frozen": "on"}).status_code == 403


def test_what_the_operator_made_of_the_group_is_left_alone():
    group = Group.objects.get(name=support.GROUP)
    group.permissions.remove(Permission.objects.get(codename="grant_dust"))
    group.permissions.add(Permission.objects.get(codename="view_apitoken"))
    before = set(group.permissions.values_list("codename", flat=True))
    assert make() == []
    call_command("migrate", verbosity=0)
    assert set(group.permissions.values_list("codename", flat=True)) == before


def test_the_groups_are_made_even_where_their_permissions_are_not_there_yet():
    Group.objects.all().delete()
    Permission.objects.all().delete()
    assert make() == ["Support", "Finance"]
    assert (rights_of("Support"), rights_of("Finance")) == (RIGHTS, FINANCES)


def test_a_group_is_not_made_before_all_its_rights_can_be():
    Group.objects.all().delete()
    Permission.objects.all().delete()
    before = MigrationExecutor(connection).loader.project_state(("jobs", "0018_webhook_news")).apps
    assert support.make_groups(before, using="default") == []
    assert make() == ["Support", "Finance"]
    assert (rights_of("Support"), rights_of("Finance")) == (RIGHTS, FINANCES)


@pytest.mark.django_db(transaction=True)
def test_the_groups_come_back_after_a_flush():
    triggers.remove(connection)  # SQLite flushes by DELETE, which they refuse
    call_command("flush", interactive=False, verbosity=0)
    assert (rights_of("Support"), rights_of("Finance")) == (RIGHTS, FINANCES)
