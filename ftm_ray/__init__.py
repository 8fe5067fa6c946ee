"""ftm-ray: cross-firm investment themes in a quarter of earnings calls, on Ray."""

__version__ = "0.1.0"
