"""One HTML file to look at: no network, no script, light and dark, on a phone and on paper."""

from genfoundry.report.page import render
from genfoundry.report.validation import ValidationFound, render_validation
from genfoundry.report.view import RunView

__all__ = ["RunView", "ValidationFound", "render", "render_validation"]
