"""``limner admin``: what operators do with an installation, by command line."""
