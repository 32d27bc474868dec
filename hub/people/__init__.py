"""People over their lives: joined and parted, brought along from elsewhere, erased, re-keyed.

Nothing here ever weakens a stop (promise P5); only the person's own act does, and that is taken in by the intake.
"""
