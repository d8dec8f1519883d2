"""What bin/up and bin/test do. Standard library only: it begins on a bare Python, before any package is installed."""
