"""Measures of trivet against its peers. Each module registers some; ``python -m benchmarks`` runs them."""
