"""What takes notifications: the contract, the hook that brings receivers, and the built-in ones."""

from __future__ import annotations
