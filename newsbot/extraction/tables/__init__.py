"""Reads files of rows as streams: unpacks them, parses their formats, and types their cells; nothing on disk."""
