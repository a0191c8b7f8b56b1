"""Addresses of planning's own pages, below /o/<organization>/."""

from django.urls import path

from . import (
    backlog,
    board,
    capacity,
    estimate,
    events,
    feature_import,
    forecast,
    health,
    impediments,
    integration,
    plan,
    predictability,
    risks,
    scoring_model,
    sequence,
    train_size,
)

app_name = "planning"
urlpatterns = [
    path("forecast/", forecast.show, name="forecast"),
    path("increments/<uuid:pi>/capacity/", capacity.show, name="capacity"),
    path("train-size/", train_size.show, name="train_size"),
    path("integration/", integration.show, name="integration"),
    path("board/", board.home, name="boards"),
    path("board/<uuid:pi>/", board.show, name="board"),
    path("board/<uuid:pi>/dependencies/", sequence.dependencies, name="dependencies"),
    path("board/<uuid:pi>/moves/", board.moves, name="moves"),
    path("board/<uuid:pi>/move/<str:ref>/", board.move, name="move"),
    path("board/<uuid:pi>/needs/<str:ref>/", board.needs, name="needs"),
    path("increments/<uuid:pi>/plan/", plan.show, name="plan"),
    path("features/", backlog.show, name="backlog"),
    path("features/sequence/", sequence.order, name="sequence"),
    path("features/estimate/", estimate.show, name="estimate"),
    path("features/import/", feature_import.show, name="import"),
    path("features/<str:ref>/scoring/", backlog.scoring, name="scoring"),
    path("features/<str:ref>/rating/<str:model>/", scoring_model.rating, name="rating"),
    path("scoring-models/start/", scoring_model.start, name="scoring_model_new"),
    path("scoring-models/<str:ref>/apply/", scoring_model.apply, name="scoring_model_apply"),
    path("planning-events/<str:ref>/live/", events.live, name="event_live"),
    path("planning-events/<str:ref>/timer/", events.timer, name="event_timer"),
    path("planning-events/<str:ref>/join/<str:code>/", events.join, name="event_join"),
    path("risks/roam/", risks.roam, name="roam"),
    path("impediments/open/", impediments.show, name="impediments"),
    path("objectives/predictability/", predictability.show, name="predictability"),
    path("ceremonies/health/", health.show, name="health"),
]
