"""Turns an answer into a batch: pure functions of the answer, the declaration, and the stored state."""
