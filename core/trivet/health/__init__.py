"""The health part of the kernel."""
