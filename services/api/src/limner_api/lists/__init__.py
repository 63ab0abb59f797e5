"""What all lists share: pages, filters, search and order, compiled to SQL from field maps that repositories give."""
