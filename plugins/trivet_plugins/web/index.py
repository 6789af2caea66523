"""``/``: what there is to see, as a page for people and as JSON for everyone else."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, JSONResponse, Response

from trivet_plugins.web.accept import best_match
from trivet_plugins.web.plugin_pages import all_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from trivet import Kernel

ENDPOINTS: Final[Mapping[str, str]] = {
    "/livez": "Is the process sound? 200 or 503, for Kubernetes; ?verbose lists the checks.",
    "/readyz": "May it get work?",
    "/startupz": "Has the start come to its end?",
    "/health": "Every health check with its last result; ?group=, ?tag= and ?exclude= narrow it.",
    "/metrics": "Metrics for Prometheus, in the format that Accept asks for.",
    "/config": "The configuration in force, secrets masked, with generation and fingerprint.",
    "/config/values": "Every value with the place that sets it; ?at=3 as it was in generation 3.",
    "/config/export": "The same as a document that loads; ?format=toml, yaml or json, ?origins=1.",
    "/config/schema": "The JSON Schema of all sections, for editors.",
    "/config/problems": "What keeps out what the sources say now; empty while that is in force.",
    "/config/history": "The last generations: when, why and by whom; what is pinned and overridden.",
    "/traces": "The last spans of the tracer; ?notable=1 for the slow and failed ones, ?trace= for one trace.",
    "/history": "What metrics were; ?name= for the series of one, match[label]=, from= and to= narrow it.",
    "/plugins": "The providers that take part, who gives them, and what they are doing.",
}

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --good: #2a8a4a; --bad: #c8372d; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; }
.state { margin: .25rem 0 2rem; }
.pass { color: var(--good); } .warn { color: #b7791f; } .fail { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; margin: 0; }
dt, dd { margin: 0; padding: .5rem 0; border-top: 1px solid var(--line); }
dt { padding-right: 2rem; font-family: ui-monospace, monospace; }
footer { margin-top: 2rem; opacity: .7; font-size: .875rem; }
@media (max-width: 32rem) { dl { display: block; } dd { border: 0; padding-top: 0; } }
"""
_POLICY: Final = (
    f"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{name} · trivet</title><style>{style}</style>
<h1>{name}</h1>
<p class="state">{state} · health <b class="{health}">{health}</b></p>
<dl>
{rows}
</dl>
<footer>trivet admin pages. Everything but the three probes may need a token.</footer>
</html>
"""


def index(kernel: Kernel, request: Request) -> Response:
    """Answer ``/``: HTML where ``Accept`` prefers it, else JSON."""
    health = str(kernel.health.report().status)
    if best_match(request.headers.get("accept", ""), ["application/json", "text/html"]) == "text/html":
        page = _PAGE.format(
            name=escape(kernel.name),
            style=_STYLE,
            state=escape(kernel.state),
            health=health,
            rows=_rows(request, _endpoints(kernel)),
        )
        return HTMLResponse(page, headers={"content-security-policy": _POLICY})
    body = {"kernel": kernel.name, "state": kernel.state, "health": health, "endpoints": _endpoints(kernel)}
    return JSONResponse(body)


def _endpoints(kernel: Kernel) -> dict[str, str]:
    found = {page.path: page.summary for page in all_pages(kernel) if page.summary and "{" not in page.path}
    return {**found, **ENDPOINTS}


def _rows(request: Request, endpoints: Mapping[str, str]) -> str:
    # Relative links lead right under every mount and proxy, whatever these tell of their prefixes.
    asked = request.scope.get("raw_path", b"").decode("latin-1") or request.scope["path"]
    here = escape(f"{asked.rpartition('/')[2]}/" if asked[-1:] not in ("", "/") else "")
    return "\n".join(
        f'<dt><a href="{here}{path[1:]}">{path}</a></dt><dd>{escape(text)}</dd>' for path, text in endpoints.items()
    )
