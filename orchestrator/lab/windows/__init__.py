"""Windows hosts that carry out what Ansible ships, without running any of it."""
