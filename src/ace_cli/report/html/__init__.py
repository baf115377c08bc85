"""The HTML page of a playbook or a run: one file, no network, nothing executed from playbook text."""
