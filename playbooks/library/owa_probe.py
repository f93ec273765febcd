#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: log on to OWA through one Client Access server and say what happened.

Documented in owa_probe.yml beside this file.
"""

from __future__ import annotations

import ssl

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.owa_logon import ARGUMENTS, check_arguments, run


def main() -> None:
    """Entry point for Ansible."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    wrong = check_arguments(module.params)
    if wrong:
        module.fail_json(msg=wrong)
    try:
        context = ssl.create_default_context(cafile=module.params["ca_path"])
    except (OSError, ssl.SSLError) as error:
        module.fail_json(
            msg=f"ca_path: cannot read certificates from {module.params['ca_path']}: {error}"
        )
    module.exit_json(**run(module.params, context))


if __name__ == "__main__":
    main()
