"""A private, real Gerrit for trial and tests: its parts, its site, its server and what it is seeded with."""
