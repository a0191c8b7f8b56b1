"""Trust rules, access reviews, invitations, archives of an organization, and its closing."""

from .archive import OrganizationArchive
from .closing import Closing
from .invitation import Invitation
from .review import AccessReview, AccessReviewItem
from .trust import TrustRule

__all__ = [
    "AccessReview",
    "AccessReviewItem",
    "Closing",
    "Invitation",
    "OrganizationArchive",
    "TrustRule",
]
