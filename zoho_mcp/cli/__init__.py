"""The commands. The only reader of sys.argv; wires everything else together."""
