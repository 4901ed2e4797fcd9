"""The library: video rows, stored files, signed URLs, range delivery."""
