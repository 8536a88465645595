"""A private, real Gerrit for trial and tests: its parts, its Java, its site, its server and what it is told.

It listens on the loopback address only, reads nothing of the user's, and is no place for anything secret: everybody
who can log in to the machine can be any account there.
"""
