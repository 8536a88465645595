"""What runs in Ansible's process and on nodes; this program imports none of it."""
