"""An identity provider for the tests of this folder."""

from __future__ import annotations

import pytest

from releasetrain.access import issuers

from .issuer import Issuer


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    found = Issuer(tmp_path_factory.mktemp("issuer"))
    yield found
    found.stop()


@pytest.fixture
def issuer(provider, settings):
    """The provider, reached by the guarded client, whose keys nobody has read yet."""
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    issuers.forget()
    yield provider
    issuers.forget()
