"""The catalogue of sources: YAML per country, its loader and its checks; no network."""
