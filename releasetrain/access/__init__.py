"""Who may act for an organization and what becomes of it: workload identity, access reviews, invitations, leaving."""
