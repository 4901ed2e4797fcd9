"""Webhooks of remote providers: they only say that there may be news, and polling finds out."""
