"""report.html: what a report is made of, and the page that shows it."""

from pellucid.evaluation.page.page import report_page, write_report
from pellucid.evaluation.page.pictures import choose, read_pictures
from pellucid.evaluation.page.records import DataRecord, Epoch, Picture, Report

__all__ = [
    "DataRecord",
    "Epoch",
    "Picture",
    "Report",
    "choose",
    "read_pictures",
    "report_page",
    "write_report",
]
