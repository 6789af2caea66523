"""The config part of the kernel."""
