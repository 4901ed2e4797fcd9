"""A member of staff with every right, signed in to the admin of a running installation."""

import os

MAKE = """
from accounts.models import User
User.objects.create_superuser("{name}", "{name}@example.com", "{password}")
"""
PASSWORD = "open-sesame-42"


def sign_in(page, live):
    """Return the name of a new superuser, as whom the page is signed in from here on."""
    name = f"staff{os.urandom(4).hex()}"
    live.manage("shell", "--no-imports", "-c", MAKE.format(name=name, password=PASSWORD))
    page.goto("/login?next=/admin/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(live.url + "/admin/")
    return name
