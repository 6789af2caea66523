"""Built-in plugins: web."""
