"""Built-in plugins: security.

``keys``, ``ciphers``, ``sealed`` values, ``passwords`` and the ``audit`` log each have a package; ``level`` is the plugin that
sets how strict all of them are. ``private_file`` reads files that others must not, ``merkle`` is the tree of ``audit`` and of
manifests.
"""
