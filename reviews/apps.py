"""The place of reviews in the installation."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "reviews"
