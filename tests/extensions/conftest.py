from loopback import serve

__all__ = ["serve"]
