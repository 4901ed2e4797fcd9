"""The groups for staff: the rights they need, and no others. Support helps users, Finance sees the costs."""

from typing import Any

from django.contrib.auth.management import create_permissions

GROUP = "Support"
RIGHTS = {
    "accounts": ("view_user",),
    "dust": ("view_account", "view_transfer", "grant_dust"),
    "videos": ("view_video",),
    "jobs": (
        "view_job",
        "view_jobevent",
        "view_worker",
        "cancel_queued_job",
        "refund_job",
        "rerun_job",
        "view_remotetask",
        "review_remotetask",
    ),
    "webhooks": (
        "view_endpoint",
        "view_delivery",
        "view_attempt",
        "test_endpoint",
        "replay_delivery",
    ),
}
GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    GROUP: RIGHTS,
    "Finance": {"jobs": ("view_remotetask", "view_margin")},
}


def make_groups(apps: Any, *, using: str) -> list[str]:
    """Make the groups of which there is none, with their rights; return the names of those that were made.

    A group that is there is left as the operator wants it: no right is added to it or taken away.
    `apps` is the registry, a migration's own one included; while it lacks one of our apps, or one of a
    group's rights is to come with a later migration, the group is not made.
    """
    return [name for name in GROUPS if _all_there(apps) and _make_group(apps, name, using)]


def _make_group(apps: Any, name: str, using: str) -> bool:
    groups = apps.get_model("auth", "Group").objects.using(using)
    if groups.filter(name=name).exists():
        return False
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    found = []
    for label, names in GROUPS[name].items():
        _make_permissions(apps, label, using)
        found += permissions.filter(content_type__app_label=label, codename__in=names)
    if len(found) < sum(map(len, GROUPS[name].values())):
        return False
    groups.create(name=name).permissions.add(*found)
    return True


def extend(apps: Any, names: tuple[str, ...], *, using: str, label: str = "jobs") -> None:
    """Give Support, if it is there, an app's rights that came after it was made: once, in a migration."""
    group = apps.get_model("auth", "Group").objects.using(using).filter(name=GROUP).first()
    if group is not None:
        _make_permissions(apps, label, using)
        permissions = apps.get_model("auth", "Permission").objects.using(using)
        group.permissions.add(*permissions.filter(content_type__app_label=label, codename__in=names))


def _all_there(apps: Any) -> bool:
    return {config.label for config in apps.get_app_configs()}.issuperset({"auth", *RIGHTS})


def _make_permissions(apps: Any, label: str, using: str) -> None:
    """Make the app's permissions now: Django would do so only after the last migration."""
    config = apps.get_app_config(label)
    if not getattr(config, "models_module", None):
        config.models_module = True  # a migration's stand-in for an app has none, and would be passed over
    create_permissions(config, apps=apps, using=using, verbosity=0)
