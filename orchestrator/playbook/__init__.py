"""From a plan to playbooks: text only, a pure function of the plan and the shipped roles."""

from orchestrator.playbook.generate import look_variables, playbook_files, step_playbook

__all__ = ["look_variables", "playbook_files", "step_playbook"]
