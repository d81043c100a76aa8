"""Pure functions on text: canonical URLs, clean text, language, sentiment."""
