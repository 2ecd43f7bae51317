"""Participations: that a firm takes part in a programme, and is known by name to who keeps it.

The programme is a noun of a higher room, which says when one may be joined and when it is over.
"""
