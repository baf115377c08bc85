"""A training run beside the user's other experiments: its curve, cost and playbook in MLflow or Weights & Biases (``--track``)."""
