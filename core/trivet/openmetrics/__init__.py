"""Read expositions: OpenMetrics 1.0 to the letter, and the Prometheus text format."""
