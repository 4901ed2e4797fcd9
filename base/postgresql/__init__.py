"""Django's PostgreSQL backend, for a server that may hang: no statement is waited for without end."""
