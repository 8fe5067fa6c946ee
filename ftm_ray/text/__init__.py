"""What was spoken: raw text in; sentences, boilerplate marked as such, names and keywords out."""
