"""`Routes`: which route template answered a request. Never its path: that would be a series for each order number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final

Scope = MutableMapping[str, Any]

UNMATCHED: Final = "<unmatched>"
"""What all requests share that no route answered."""


class Routes:
    """Finds route templates in what Starlette, FastAPI and Litestar leave in the scope of a request.

    Args:
        app: The application, where the scope does not name it.
    """

    def __init__(self, app: object) -> None:
        self._app = app
        self._endpoints: dict[int, list[str]] = {}
        self._mounts: list[str] = []
        self._size = -1

    def template(self, scope: Scope, before: Mapping[str, Any]) -> str:
        """Return the template of the route that answered, or `UNMATCHED`.

        Args:
            scope: Of the request, after the application has seen it.
            before: A copy of it from before that.
        """
        litestar = scope.get("path_template")
        if isinstance(litestar, str):
            return litestar or "/"
        self._look_at(before.get("app") or self._app)
        route = scope.get("route")
        if route is None:  # Starlette before 1.0 leaves the endpoint only
            return self._by_endpoint(scope)
        prefix = self._mounted(scope.get("root_path", "").removeprefix(before.get("root_path", "")))
        inner = getattr(route, "routes", None)
        if prefix is None or inner:  # a mounted application whose routes did not match
            return UNMATCHED
        return f"{prefix}/*" if inner is not None else prefix + getattr(route, "path", "")

    def _mounted(self, prefix: str) -> str | None:
        """Return the template of the mounts that lead to a route: they may have parameters too."""
        return next((mount for mount in ("", *self._mounts) if _fits(mount, prefix)), None)

    def _by_endpoint(self, scope: Scope) -> str:
        endpoint = scope.get("endpoint")
        found = [] if endpoint is None else self._endpoints.get(id(endpoint), [])
        fitting = found if len(found) == 1 else [one for one in found if _fits(one, scope.get("path", ""))]
        return fitting[0] if fitting else UNMATCHED

    def _look_at(self, app: object) -> None:
        routes = list(getattr(app, "routes", ()))
        if len(routes) != self._size:  # routes are added until the first request, and by some later
            self._endpoints, self._mounts, self._size = {}, [], len(routes)
            for route, template in _walk(routes, ""):
                inner = getattr(route, "routes", None)
                if inner is None:
                    self._endpoints.setdefault(id(getattr(route, "endpoint", None)), []).append(template)
                else:
                    self._mounts.append(template)
                    if not inner:  # static files, or another application that is not made of routes
                        self._endpoints.setdefault(id(getattr(route, "app", None)), []).append(f"{template}/*")


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[tuple[Any, str]]:
    for route in routes:
        path = prefix + (getattr(route, "path", None) or "")
        inner = getattr(route, "routes", None)
        yield route, path
        yield from _walk(inner or (), path)


def _fits(template: str, path: str) -> bool:
    """Tell whether a path may be one of a template: as many segments, and the fixed ones equal."""
    if template.endswith("/*"):
        return path.startswith(template[:-1])
    wanted, given = template.split("/"), path.split("/")
    if ":path}" in template:
        given = given[: len(wanted)]
    pairs = zip(wanted, given, strict=False)
    return len(wanted) == len(given) and all("{" in part or part == text for part, text in pairs)
