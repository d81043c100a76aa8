"""The peers of newsbot. Each runs in a separate process, without newsbot."""
