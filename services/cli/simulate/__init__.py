"""A demo city: plausible work orders on Beijing's streets, the same ones for the same seed."""
