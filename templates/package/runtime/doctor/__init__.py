"""`doctor`: what is wrong with a server's installation, settings and network, and what to do about it."""
