"""The key ring and the master keys that wrap it.

``file`` is the plugin over a ring in a file and ``sources`` the plugin of master keys. Behind ``file``: ``document`` is the text
of a ring, ``entry`` one key of it, ``wrapping`` how a master key covers it; ``ring_file`` reads and replaces the file under
``lock``; ``ring`` seals and opens, ``counter`` counts messages, ``lifecycle`` says which key is used when, ``upkeep`` turns keys.
"""
