"""Endpoints below /api/v1/orgs/<organization>/."""

from django.urls import path

from .bottlenecks import BottlenecksView
from .capacity import CapacityView
from .execution import ExecutionView
from .forecast import AgingView, ForecastView
from .integration import IntegrationMilestonesView
from .portfolio import AllocationView, CoverageView, ReviewView
from .predictability import PredictabilityView
from .ranking import PreviewView, RankingView
from .sequence import SequenceView
from .solution import SolutionView
from .train_size import TrainSizeView

urlpatterns = [
    path("bottlenecks", BottlenecksView.as_view(), name="api_bottlenecks"),
    path("execution", ExecutionView.as_view(), name="api_execution"),
    path("predictability", PredictabilityView.as_view(), name="api_predictability"),
    path("aging", AgingView.as_view(), name="api_aging"),
    path("forecast", ForecastView.as_view(), name="api_forecast"),
    path("increments/<str:ref>/allocation", AllocationView.as_view(), name="api_allocation"),
    path("quarterly-goals/coverage", CoverageView.as_view(), name="api_goal_coverage"),
    path(
        "quarterly-reviews/<str:ref>/difference", ReviewView.as_view(), name="api_quarterly_review_difference"
    ),
    path("capacity", CapacityView.as_view(), name="api_capacity"),
    path("solution-rollup", SolutionView.as_view(), name="api_solution"),
    path("features/ranking", RankingView.as_view(), name="api_feature_ranking"),
    path("scoring-models/<str:ref>/preview", PreviewView.as_view(), name="api_scoring_model_preview"),
    path("train-size", TrainSizeView.as_view(), name="api_train_size"),
    path("integration-milestones", IntegrationMilestonesView.as_view(), name="api_integration_milestones"),
    path("sequence", SequenceView.as_view(), name="api_sequence"),
]
