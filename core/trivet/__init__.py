"""Configuration, security and observability for async services, every part a plugin."""
