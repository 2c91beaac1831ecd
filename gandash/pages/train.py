"""The main page: choose a shape and a recipe, train, watch, download."""

from __future__ import annotations

import streamlit as st

from gandash.pages import (
    address,
    ahead,
    classroom,
    code,
    control_link,
    controls,
    downloads,
    goal,
    monitor,
    networks,
    next_run,
    report,
    sidebar,
)
from gandash.pages.server import visitor

looking = visitor()
service = looking.service
control_link.take(looking)
classroom.read()
controls.take(looking)
found = address.find_run(service)
if found.snapshot is not None:
    service.watch(found.snapshot.run_id)  # until the page has its stream, which may take a while
devices = service.devices()
checked = sidebar.check(devices, service.cost_limits)

stage = st.container(key="stage")  # a grid of the style sheet, laid out as the screen allows
with stage, st.container(key="desk", gap="xsmall"):  # first: a browser that is slow has the buttons before the rest
    controls.show(looking, checked, found)
    goal.show(found.snapshot)
    next_run.show(checked, found.snapshot)
sidebar.show(checked, devices)
with stage:
    mine = found.snapshot is None or looking.controls(found.snapshot)
    right = checked.config is not None
    monitor.show(found.snapshot, ready=service.ready, mine=mine, right=right)
    ahead.show(
        run=found.snapshot.run_id if found.snapshot else "",
        begins=controls.begins(looking, checked, found.snapshot),
        right=right and service.ready,
    )
if found.snapshot is not None and classroom.shows("home"):
    downloads.show(service, found.snapshot)
    code.show(service, found.snapshot, mine=mine)
if classroom.shows("networks"):
    networks.show(checked.config, found.snapshot)
if found.snapshot is not None and classroom.shows("home"):
    report.show(found.snapshot)
