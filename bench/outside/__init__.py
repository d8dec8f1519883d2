"""What asking outside services costs."""
