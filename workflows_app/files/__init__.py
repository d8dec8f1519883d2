"""Files of an organization: what its people upload and its workflows make."""
