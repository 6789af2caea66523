"""Built-in plugins: monitoring."""
