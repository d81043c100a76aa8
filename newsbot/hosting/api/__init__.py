"""The web service: Scrapyd's own calls, and newsbot's beside them."""
