"""What was said: raw text in; sentences, empty talk marked as such, names and keywords out."""
