"""The templates of labels and annotations: what rule files use of Go's ``text/template``, with Prometheus's functions."""

from __future__ import annotations
