"""What all `AdminPages` promise."""

from __future__ import annotations

import re

import anyio
import pytest

from trivet.admin import AdminAnswer, AdminPage, AdminPages, AdminRequest
from trivet.testing.suites.suite import ANSWER_LIMIT, Suite, override

_TAKEN = ("/livez", "/readyz", "/startupz", "/health", "/metrics", "/config", "/plugins", "/traces", "/history")


class AdminPagesSuite(Suite):
    """The promises of what brings pages. Override `admin_pages`."""

    @pytest.fixture
    def admin_pages(self) -> AdminPages:
        """Return the object that brings the pages."""
        override("admin_pages")

    def test_it_has_the_shape_of_its_contract(self, admin_pages: AdminPages) -> None:
        """It brings pages, one at least."""
        assert isinstance(admin_pages, AdminPages)
        pages = list(admin_pages.pages())
        assert pages
        assert all(isinstance(page, AdminPage) for page in pages)

    def test_every_page_has_a_place_of_its_own(self, admin_pages: AdminPages) -> None:
        """No path is there twice, and none is one of the surface's own."""
        paths = [re.sub(r"\{[^}]*\}", "{}", page.path) for page in admin_pages.pages()]
        assert len(set(paths)) == len(paths)
        assert not [path for path in paths if path == "/" or path in _TAKEN or path.startswith("/config/")]

    def test_an_order_says_what_it_needs(self, admin_pages: AdminPages) -> None:
        """An order has a name for the audit log, and needs no field that it does not take; other pages take none."""
        for page in admin_pages.pages():
            assert page.needs <= page.takes.keys()
            if page.order is None:
                assert not page.takes, page.path
            else:
                assert re.fullmatch(r"[a-z][a-z0-9_]*", page.order), page.path

    async def test_a_page_answers_whatever_it_is_asked(self, admin_pages: AdminPages) -> None:
        """A page that reads answers soon, and with a status, not with an exception, whatever the query is."""
        for page in admin_pages.pages():
            if page.order is not None:
                continue
            for query in ((), (("no such parameter", "\x00"), ("time", "never"), ("query", "%"))):
                params = dict.fromkeys(re.findall(r"\{(\w+)[^}]*\}", page.path), "unknown")
                with anyio.fail_after(ANSWER_LIMIT):
                    answer = await page.answer(
                        AdminRequest(method="GET", path=page.path, params=params, query=query, actor="the suite")
                    )
                assert isinstance(answer, AdminAnswer)
                assert 200 <= answer.status < 600, page.path
