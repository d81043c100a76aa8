"""The way of an item, one stage a module, in the order of their numbers in the settings."""
