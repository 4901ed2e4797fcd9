"""Providers' servers, one small HTTP server for each protocol, behaving as documented or worse."""
