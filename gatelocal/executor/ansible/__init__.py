"""Jobs as they are written: runs a job's playbooks by Ansible, which stays in a process of its own."""
