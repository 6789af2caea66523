"""Built-in plugins: cli."""
