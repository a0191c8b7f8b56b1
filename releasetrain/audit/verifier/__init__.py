"""The stand-alone verifier of evidence packages; verify.py runs with nothing but Python."""
