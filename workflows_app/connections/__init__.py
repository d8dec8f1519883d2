"""What workflows know of OAuth connections: the API's list, the staff's board, and the words for what breaks."""
