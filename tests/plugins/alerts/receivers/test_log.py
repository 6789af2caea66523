from __future__ import annotations

import attrs
import pytest
import structlog

from trivet_plugins.alerts.receivers.conformance import AlertReceiverSuite, notification
from trivet_plugins.alerts.receivers.log import AlertLog


class TestAlertLog(AlertReceiverSuite):
    @pytest.fixture
    def receiver(self):
        return AlertLog()

    @pytest.fixture
    def received(self):
        with structlog.testing.capture_logs() as entries:
            yield lambda: [(one["alert"], one["event"].removeprefix("alert.")) for one in entries]

    @pytest.fixture
    def failing(self):
        return None


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", "error"), ("page", "error"), ("warning", "warning"), ("odd", "warning"), ("info", "info")],
)
async def test_the_severity_gives_the_level(severity, level):
    batch = notification("DiskFull")
    alert = attrs.evolve(batch.alerts[0], labels=(("alertname", "DiskFull"), ("severity", severity)))
    with structlog.testing.capture_logs() as entries:
        await AlertLog().deliver(attrs.evolve(batch, alerts=(alert,)))
    assert [(one["event"], one["log_level"]) for one in entries] == [("alert.firing", level)]
