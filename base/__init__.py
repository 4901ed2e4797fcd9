"""What every app stands on: ids, strict fields, parsers, pages. Imports none of them."""
