"""Jobs of the devstack family: from a job's variables to services, sources, ``local.conf`` and suite; all is pure."""
