"""What every `AlertReceiver` promises: a pytest class to subclass, as those of `trivet.testing.suites`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest

from trivet.testing.suites.suite import Suite, override
from trivet_plugins.alerts.receivers.receiver import AlertReceiver, DeliveryError, Notification
from trivet_plugins.alerts.rules.alert import Alert

__all__ = ("AlertReceiverSuite", "notification")


def notification(*names: str, resolved: bool = False) -> Notification:
    """Return a notification of alerts of these names, that began a minute ago."""
    now = round(time.time() * 1_000)
    alerts = tuple(
        Alert(
            labels=(("alertname", name), ("severity", "warning"), ("text", 'a "quote", é and \n')),
            annotations=(("summary", f"{name} is there"),),
            state="resolved" if resolved else "firing",
            value=1.5,
            active_at=now - 90_000,
            fired_at=now - 60_000,
            resolved_at=now if resolved else None,
        )
        for name in names
    )
    return Notification(id="suite-1", receiver="suite", group_labels=(), alerts=alerts)


class AlertReceiverSuite(Suite):
    """The promises of a receiver. Override `receiver`, `received` and, where it can fail, `failing`."""

    @pytest.fixture
    def receiver(self) -> AlertReceiver:
        """Return the receiver."""
        override("receiver")

    @pytest.fixture
    def received(self) -> Callable[[], Sequence[tuple[str, str]]]:
        """Return what gives the name and state of all alerts that arrived so far, in order."""
        override("received")

    @pytest.fixture
    def failing(self) -> AlertReceiver | None:
        """Return a receiver whose other side is down; None where there is no other side."""
        override("failing")

    async def test_it_has_the_shape_of_its_contract(self, receiver: AlertReceiver) -> None:
        """It is what the dispatcher asks for."""
        assert isinstance(receiver, AlertReceiver)

    async def test_all_alerts_arrive(
        self, receiver: AlertReceiver, received: Callable[[], Sequence[tuple[str, str]]]
    ) -> None:
        """Firing, then resolved; when it returns the other side has them."""
        await receiver.deliver(notification("DiskFull", "HostDown"))
        assert sorted(received()) == [("DiskFull", "firing"), ("HostDown", "firing")]
        await receiver.deliver(notification("DiskFull", resolved=True))
        assert ("DiskFull", "resolved") in received()

    async def test_the_same_again_is_no_failure(self, receiver: AlertReceiver) -> None:
        """After a crash it is delivered twice."""
        batch = notification("DiskFull")
        await receiver.deliver(batch)
        await receiver.deliver(batch)

    async def test_a_failure_is_a_delivery_error(self, failing: AlertReceiver | None) -> None:
        """Else the dispatcher cannot say why, nor whether to try again."""
        if failing is None:
            pytest.skip("it has no other side that could be down")
        with pytest.raises(DeliveryError) as failure:
            await failing.deliver(notification("DiskFull"))
        assert str(failure.value)
        assert failure.value.retry

    async def test_it_can_be_cancelled(self, failing: AlertReceiver | None) -> None:
        """A service that stops does not wait for it."""
        if failing is None:
            pytest.skip("it has no other side that could be down")
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_quietly, failing.deliver)
                tasks.cancel_scope.cancel()


async def _quietly(deliver: Callable[[Notification], Awaitable[None]]) -> None:
    try:
        await deliver(notification("DiskFull"))
    except DeliveryError:
        return  # it was faster than the cancellation
