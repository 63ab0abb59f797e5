"""Event messages generated from proto/; never edited by hand."""
