"""What operators see of a process: metrics, and the page that shows them."""
