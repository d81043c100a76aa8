"""What accompanies every crawl: the guards of the download, stand-ins for hosts, and the waits that servers ask for."""
