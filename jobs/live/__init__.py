"""Telling clients at once: event streams, and status answers that wait for news.

`news` hears that jobs have changed, `updates` looks at them, `hub` brings the two together, once for all
listeners of a process; `stream` and `waiting` are what one client gets of it.
"""
