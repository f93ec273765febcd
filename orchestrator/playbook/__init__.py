"""From a plan to playbooks: text only, a pure function of the plan and the shipped roles."""

from orchestrator.playbook.generate import playbook_files, step_playbook

__all__ = ["playbook_files", "step_playbook"]
