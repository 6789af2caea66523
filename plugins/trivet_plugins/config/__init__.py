"""Built-in plugins: config."""
