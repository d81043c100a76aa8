"""The stages that an item passes, one in each module, in the order of their numbers in the settings."""
