"""What newsbot is compared with. Each runs in a process of its own, without newsbot."""
