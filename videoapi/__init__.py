"""Wiring: settings, URLs, error handling, health, processes. Imported by no app."""
