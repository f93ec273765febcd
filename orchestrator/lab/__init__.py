"""A simulated Exchange farm: Windows hosts behind psrp, OWA fronts that really proxy.

Ansible, its psrp connection plug-in, ansible-runner and the playbooks are the real ones; only the
hosts are simulated, by the meaning of the modules that reach them. Nothing here imports anything
of the product: what the product claims is tried on something that does not share its mistakes.

The table of cookie versions (`cookies.py`) is an invention; docs/lab.md says what else is.

Start with `lab.Lab` (inside a process) or `commands` (detached, from the command line).
"""
