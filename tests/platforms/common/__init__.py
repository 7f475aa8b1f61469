"""What the mock platforms have in common: a server, faults to order, remote control, a process of their own."""
