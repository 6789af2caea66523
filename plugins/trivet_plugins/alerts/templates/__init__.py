"""The templates of labels and annotations: the part of Go's ``text/template`` that rule files use, with Prometheus's functions."""

from __future__ import annotations
