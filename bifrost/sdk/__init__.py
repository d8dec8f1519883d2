"""What workflow authors use, and what the platform reads of it. No Django, no database."""
