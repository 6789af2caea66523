"""Sealed values in configuration.

``resolver`` is the plugin. ``manifest`` guards a document's values as a whole, ``manifests`` makes and checks it, and
``high_water`` remembers which generation was in force.
"""
