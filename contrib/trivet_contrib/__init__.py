"""Plugins for outside systems, one module per extra of the distribution; each loads only when named."""
