"""The plugins that come with trivet."""
