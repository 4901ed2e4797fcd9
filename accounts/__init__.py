"""Who is calling: hashed API tokens, outside identities, session sign-in."""
