"""The HTML page of a playbook or a run: one file, no network, nothing executed from playbook text."""

from ace_cli.report.html.model import Moment, RunReport
from ace_cli.report.html.page import render_page

__all__ = ["Moment", "RunReport", "render_page"]
