"""What more than one feature uses: memory, threads."""
