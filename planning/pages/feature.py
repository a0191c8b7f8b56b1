"""What the page of a feature shows beyond its facts and neighbours."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from planning.actions.dependencies import create_dependency
from planning.actions.endorsements import endorse_feature
from planning.actions.placement import place_feature
from planning.actions.scoring import agree_score, score_feature
from planning.models import PARTS, Feature, FeatureDependency
from planning.queries import backlog, endorsements, increments
