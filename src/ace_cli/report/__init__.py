"""What a user sees: progress and results at a terminal, in logs, as JSON, and pages."""
