"""Pure rules of the audit trail: hashing, proofs, signatures, package format."""
