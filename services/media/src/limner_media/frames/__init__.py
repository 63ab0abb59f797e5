"""Single frames, context images and previews, each decoded alone."""
