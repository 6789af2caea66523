"""The metrics part of the kernel."""
