"""The sample newsroom: made-up news sites on loopback, for the demo, the tests and curious users.

Towns, people and events are invented; hosts end in `.example`, which RFC 2606 reserves. `sites/` holds the stories of
the sites, `catalogue.yaml` is their catalogue.
"""
