"""What an answer says, as a batch: pure functions of the answer, what is declared, and what was known before."""
