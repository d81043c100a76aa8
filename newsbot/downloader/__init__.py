"""Sends requests: the download handler and its guards, stand-ins for hosts, keys, quotas, and waits."""
