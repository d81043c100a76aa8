"""The sample newsroom: made-up news sites on loopback, which the demo, the tests and a curious user crawl.

Towns, people and events are invented; hosts end in `.example`, which is kept for that (RFC 2606). `sites/` holds what
the sites say, `catalogue.yaml` is the catalogue to crawl them by.
"""
