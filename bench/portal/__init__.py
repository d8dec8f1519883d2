"""What the portal's pages and options cost, with many forms and many past requests."""
