"""Evaluation: what a playbook does on examples that it was not trained on, and how sure that is."""
