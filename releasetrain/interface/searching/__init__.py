"""The index that search reads: what it holds of an object, how it is kept, and how it is asked (ADR 27)."""
