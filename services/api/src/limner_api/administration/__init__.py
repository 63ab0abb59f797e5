"""What operators do by command line; nobody asks for it over HTTP."""
