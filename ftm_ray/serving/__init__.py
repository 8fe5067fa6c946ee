"""The model on the cluster: settings in, the URL of an OpenAI-compatible endpoint out."""
