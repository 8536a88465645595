"""Jobs of the devstack family without Ansible: what is done on the node, what its output means, and the executor."""
