"""Tracing: which piece of work belongs to which request, within the process and across processes."""
