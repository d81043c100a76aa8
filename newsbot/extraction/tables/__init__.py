"""Files of rows, as streams: what they are packed in, how they are written, what their cells say; nothing on disk."""
