"""From commit to review: the contributor's command, all of Gerrit and all of git.

It knows nothing of gates, machines or jobs; `gatelocal` builds on it, never the other way round.
"""
