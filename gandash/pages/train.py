"""The main page: choose a shape and a recipe, train, watch, download."""

from __future__ import annotations

from gandash.charts.live import plotly_loader
from gandash.pages import address, controls, downloads, monitor, report, sidebar
from gandash.pages.server import run_service

service = run_service()
found = address.find_run(service)
checked = sidebar.show(service.devices())

controls.show(service, checked, found)
plotly_loader()
monitor.show(service, found.snapshot)
if found.snapshot is not None:
    downloads.show(service, found.snapshot)
    report.show(found.snapshot)
