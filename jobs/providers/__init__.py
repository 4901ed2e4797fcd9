"""Models that make videos: the seam (`base`) and one module for each."""
