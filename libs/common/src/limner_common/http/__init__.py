"""HTTP mechanics: applications, error bodies, grants on requests, in-process transport, upstreams."""
