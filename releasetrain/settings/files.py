"""Where uploads, reports, evidence packages and archives are kept: a folder, or a bucket (FILES_URL)."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .environment import VAR, env

__all__ = ["FILES_STORAGE", "FILES_URL"]

FILES_URL = env.str("FILES_URL", default="")


def bucket(url: str) -> dict[str, Any]:
    """s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1; keys come as AWS's own variables or roles."""
    from botocore.config import Config
    from django.core.exceptions import ImproperlyConfigured

    parts = urlsplit(url)
    said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    known = {"endpoint", "region", "addressing"}
    if parts.scheme != "s3" or not parts.hostname or parts.username or set(said) - known:
        raise ImproperlyConfigured(
            "FILES_URL is s3://bucket/prefix, with endpoint, region and addressing (path or virtual) as its parameters;"
            " keys belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "location": unquote(parts.path).strip("/"),
            "endpoint_url": said.get("endpoint"),
            "region_name": said.get("region"),
            "client_config": Config(
                # An answer within seconds, even that there is none: requests and work under a lease wait for it.
                connect_timeout=3,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 3},
                signature_version="s3v4",
                s3={"addressing_style": said.get("addressing", "path" if said.get("endpoint") else "auto")},
            ),
        },
    }


FILES_STORAGE: dict[str, Any] = (
    bucket(FILES_URL)
    if FILES_URL
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(VAR / "files")},
    }
)
