"""The group for support staff: the rights they need to help users, and no others."""

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
}


def make_group(apps: Any, *, using: str) -> bool:
    """Make the group, with its rights, if there is none; return whether it was made.

    A group that is there is left as the operator wants it: no right is added to it or taken away.
    `apps` is the registry, a migration's own one included; while it lacks one of our apps nothing is done.
    """
    if not _all_there(apps):
        return False
    group, created = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=GROUP)
    if created:
        permissions = apps.get_model("auth", "Permission").objects.using(using)
        for label, names in RIGHTS.items():
            _make_permissions(apps, label, using)
            group.permissions.add(*permissions.filter(content_type__app_label=label, codename__in=names))
    return bool(created)


def extend(apps: Any, names: tuple[str, ...], *, using: str) -> None:
    """Give the group, if it is there, rights of `jobs` that came after it was made: once, in a migration."""
    group = apps.get_model("auth", "Group").objects.using(using).filter(name=GROUP).first()
    if group is not None:
        _make_permissions(apps, "jobs", using)
        permissions = apps.get_model("auth", "Permission").objects.using(using)
        group.permissions.add(*permissions.filter(content_type__app_label="jobs", codename__in=names))


def _all_there(apps: Any) -> bool:
    labels = {config.label for config in apps.get_app_configs()}
    return labels.issuperset({"auth", *RIGHTS})


def _make_permissions(apps: Any, label: str, using: str) -> None:
    """Make the app's permissions now: Django would do so only after the last migration."""
    config = apps.get_app_config(label)
    if not getattr(config, "models_module", None):
        config.models_module = True  # a migration's stand-in for an app has none, and would be passed over
    create_permissions(config, apps=apps, using=using, verbosity=0)
