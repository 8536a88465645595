"""What Ansible tells of itself."""
