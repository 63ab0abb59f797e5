"""Reading and saving what a job holds."""
