"""Evidence packages: collect what is recorded, prove it under one checkpoint, render it, pack and sign it."""
