"""Server programs that tests start: the real ones, on free loopback ports, in folders of their own."""
