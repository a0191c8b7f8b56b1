"""README.txt of an evidence package: what is in it and the exact commands that verify it."""

_TEXT = """\
Evidence package {package}
==========================

Everything in here can be checked offline, without the software that made it.

1. With openssl and sha256sum, from the unpacked folder:

   openssl pkeyutl -verify -pubin -inkey {key} -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig
   sha256sum -c --strict --quiet SHA256SUMS

   The first says "Signature Verified Successfully"; the second says nothing when every file is unchanged.
   Files that SHA256SUMS does not list (besides SHA256SUMS.sig and manifest.dsse.json) do not belong here.

2. With the stand-alone verifier (one Python file). A verify.py inside a package is there for convenience; whoever
   could change the package could change it too, so take yours from the organization:

   python3 verify.py package.zip --key organization-public-keys.pem

   It names every altered, removed and inserted file, record and ledger entry, checks every proof against the
   signed checkpoint, and ends with exit code 0 (intact) or 1 (not intact).

3. The in-toto statement in manifest.dsse.json, with openssl:

   sed -n 's/.*"payload":"\\([^"]*\\)".*/\\1/p' manifest.dsse.json > s.b64
   openssl base64 -d -A -in s.b64 -out s.json
   sed 's/.*"signatures"://; s/[^,]*,"sig":"\\([^"]*\\)".*/\\1/' manifest.dsse.json > s.b64
   openssl base64 -d -A -in s.b64 -out s.sig
   printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < s.json)" | cat - s.json > s.pae
   openssl pkeyutl -verify -pubin -inkey {key} -rawin -in s.pae -sigfile s.sig

Whose key is it? The keys in keys/ came with the package. Compare the fingerprint with the published one:

   openssl pkey -pubin -in {key} -outform DER | sha256sum

What is what
  index.html, pages/     the same facts for people, in any browser, offline; evidence.pdf to print
  oscal/                 OSCAL assessment results and their plan, where controls are concerned
  files/                 reports as they were received, named by their SHA-256
  manifest.json          every file, record and ledger entry with its SHA-256 (canonical JSON, RFC 8785)
  manifest.dsse.json     the signed statement over it (DSSE, in-toto Statement v1, Ed25519)
  records.json           the records, one object each with its id
  ledger/entries.jsonl   the audit ledger's entries: position, exact text, inclusion proof (RFC 6962)
  checkpoint.txt         the signed state of the ledger that the proofs lead to (C2SP signed note)
  keys/                  the public keys
  The leaf hash of a ledger entry is SHA-256 over a zero byte and the text of its body.
"""


def readme_text(package: str, key: str) -> str:
    """The README of one package; ``key`` is the path of the first signer's public key."""
    return _TEXT.format(package=package, key=key)
