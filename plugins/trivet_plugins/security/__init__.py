"""Built-in plugins: security."""
